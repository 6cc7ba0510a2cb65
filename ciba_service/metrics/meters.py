"""Measures requests, round trips to the store, and requests to somebody else.

What a label needs is looked up once for each pair of values and kept: both sets are closed.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Final

from prometheus_client import Histogram

from ciba_service.metrics.families import Families
from ciba_service.ports import Outbound, OutboundFailure, OutboundRequest, OutboundResponse

__all__ = ["HttpMeter", "MeteredOutbound", "StoreMeter"]

_HUNDREDS: Final = 100


class HttpMeter:
    """``ports.RequestMeter``."""

    __slots__ = ("_durations", "_observe")

    def __init__(self, families: Families) -> None:
        self._durations: Histogram = families.requests
        self._observe: dict[tuple[str, str], Callable[[float], None]] = {}

    def answered(self, endpoint: str, outcome: str, seconds: float) -> None:
        """Count it, and how long it took."""
        observe = self._observe.get((endpoint, outcome))
        if observe is None:
            observe = self._durations.labels(endpoint, outcome).observe
            self._observe[endpoint, outcome] = observe
        observe(seconds)


class StoreMeter:
    """``StoreObserver`` of the driver."""

    __slots__ = (
        "_acknowledged",
        "_answered",
        "_commands",
        "_failed",
        "_gave_up",
        "_repeated",
        "_short",
    )

    def __init__(self, families: Families) -> None:
        self._answered = families.round_trips.labels("answered").observe
        self._failed = families.round_trips.labels("failed").observe
        self._acknowledged = families.replica_waits.labels("acknowledged").observe
        self._short = families.replica_waits.labels("short").observe
        self._commands = families.commands.inc
        self._repeated = families.retries.inc
        self._gave_up = families.timeouts.inc

    def round_trip(self, commands: int, seconds: float, *, failed: bool) -> None:
        """One exchange with Redis."""
        self._commands(commands)
        (self._failed if failed else self._answered)(seconds)

    def waited(self, seconds: float, *, enough: bool) -> None:
        """One exchange with Redis and its replicas."""
        (self._acknowledged if enough else self._short)(seconds)

    def repeated(self) -> None:
        """An operation is tried again."""
        self._repeated()

    def gave_up(self) -> None:
        """An operation has reached its deadline."""
        self._gave_up()


class MeteredOutbound:
    """``ports.Outbound`` of one purpose, measured."""

    __slots__ = ("_durations", "_outbound", "_purpose")

    def __init__(self, outbound: Outbound, purpose: str, families: Families) -> None:
        self._outbound = outbound
        self._purpose = purpose
        self._durations = families.outbound

    async def send(self, request: OutboundRequest) -> OutboundResponse | OutboundFailure:
        """See ``Outbound``."""
        began = perf_counter()
        result = await self._outbound.send(request)
        self._durations.labels(self._purpose, _outcome(result)).observe(perf_counter() - began)
        return result


def _outcome(result: OutboundResponse | OutboundFailure) -> str:
    """``2xx`` and its like, or why there is no answer."""
    if isinstance(result, OutboundFailure):
        return result.reason
    return f"{result.status // _HUNDREDS}xx"
