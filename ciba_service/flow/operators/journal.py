"""Every write of an operator leaves one event in the log, and a security event if it was done."""

from collections.abc import Iterator
from contextlib import contextmanager

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.ports import Telemetry
from ciba_service.protocol.operators.problems import OperatorRefused
from ciba_service.protocol.security_events.kinds import OperatorWrote

__all__ = ["OperatorJournal"]


class OperatorJournal:
    """Who, what and on what; ``outcome`` in the log is done, refused or failed.

    What failed may have been done in part, so that it is a security event, too.
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
        """Note what happens in the block."""
        outcome = "failed"
        try:
            yield
            outcome = "done"
        except OperatorRefused:
            outcome = "refused"
            raise
        finally:
            self._telemetry.event(
                "operator_write",
                operator=acting.name,
                action=action,
                outcome=outcome,
                user=user,
                device_id=device_id,
                client_id=client_id,
                transaction_id=transaction_id,
            )
            if outcome != "refused":
                self._telemetry.security_event(
                    OperatorWrote(
                        action=action,
                        operator=acting.name,
                        user=user,
                        device_id=device_id,
                        client_id=client_id,
                        transaction_id=transaction_id,
                    )
                )
