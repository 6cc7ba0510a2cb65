"""Every write of an operator leaves one event, whatever became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.ports import Telemetry
from ciba_service.protocol.operators.problems import OperatorRefused
from ciba_service.protocol.security_events.kinds import OperatorWrote, Outcome

__all__ = ["OperatorJournal"]

_ON: Final = ("user", "device_id", "client_id", "transaction_id")


class OperatorJournal:
    """Writes ``operator_write``: who, what, on what, and ``outcome`` done, refused or failed.

    What failed may have been done in part.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @contextmanager
    def writes(
        self,
        acting: ActingOperator,
        action: str,
        *,
        user: str | None = None,
        device_id: str | None = None,
        client_id: str | None = None,
        transaction_id: str | None = None,
    ) -> Iterator[None]:
        """Note what happens in the block, on whatever is named."""
        outcome = Outcome.FAILED
        try:
            yield
            outcome = Outcome.DONE
        except OperatorRefused:
            outcome = Outcome.REFUSED
            raise
        finally:
            event = OperatorWrote(
                action=action,
                operator=acting.name,
                outcome=outcome,
                user=user,
                device_id=device_id,
                client_id=client_id,
                transaction_id=transaction_id,
            )
            self._telemetry.security_event(event)
            on = {name: getattr(event, name) for name in _ON if getattr(event, name) is not None}
            self._telemetry.event(
                "operator_write",
                operator=acting.name,
                action=action,
                outcome=outcome.value,
                **on,
            )
