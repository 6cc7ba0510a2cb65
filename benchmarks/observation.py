"""What it costs a request to be logged and measured, in microseconds: ``python -m`` runs it.

An ASGI application that refuses at once, as a pending poll is refused, is called directly, through
what logs, and through what logs and measures. The log is written to a file that keeps nothing.
"""

import asyncio
import statistics
from pathlib import Path
from time import perf_counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.endpoints.request_log import EndpointNames, ObservedRequests, RequestTelemetry
from ciba_service.metrics.families import Families
from ciba_service.metrics.meters import HttpMeter, StoreMeter
from ciba_service.telemetry import LogTelemetry, configure_logging

__all__ = ["main"]

_CALLS: Final = 5_000
_ROUNDS: Final = 7
_SCOPE: Final[Scope] = {
    "type": "http",
    "method": "POST",
    "path": "/token",
    "headers": [(b"host", b"localhost"), (b"dpop", b"x" * 400), (b"content-length", b"900")],
}


async def _receive() -> Message:
    return {"type": "http.disconnect"}


async def _send(message: Message) -> None:
    del message


class _Refusal:
    """Tells the log of a refusal, and answers."""

    def __init__(self, telemetry: LogTelemetry | RequestTelemetry) -> None:
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        self._telemetry.event("request_refused", error="authorization_pending", status=400)
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _once(app: ASGIApp) -> float:
    began = perf_counter()
    for _ in range(_CALLS):
        await app(_SCOPE, _receive, _send)
    return (perf_counter() - began) / _CALLS * 1e6


async def _measured(*apps: ASGIApp) -> list[float]:
    """Microseconds a call, the median of rounds in turn."""
    rounds = [[await _once(app) for app in apps] for _ in range(_ROUNDS)]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def _round_trips(families: Families) -> float:
    meter = StoreMeter(families)
    began = perf_counter()
    for _ in range(_CALLS):
        meter.round_trip(3, 0.0004, failed=False)
    return (perf_counter() - began) / _CALLS * 1e6


def main() -> str:
    """Measure, and say it in a sentence or two."""
    log, families = LogTelemetry(), Families()
    refusal = _Refusal(RequestTelemetry(log))
    names = EndpointNames(unknown="/token")
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        configure_logging("info", nowhere)
        bare, logged, metered = asyncio.run(
            _measured(
                _Refusal(log),
                ObservedRequests(refusal, names=names, telemetry=log),
                ObservedRequests(refusal, names=names, telemetry=log, meter=HttpMeter(families)),
            )
        )
    return (
        f"A refusal with a line of its own: {bare:.1f} us; with the line of its request: "
        f"{logged:.1f} us; measured as well: {metered:.1f} us. "
        f"A round trip to the store, measured: {_round_trips(families):.1f} us."
    )


if __name__ == "__main__":
    print(main())  # noqa: T201 - a program
