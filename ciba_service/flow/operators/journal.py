"""Every write of an operator leaves one event, whatever became of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.ports import Telemetry
from ciba_service.protocol.operators.problems import OperatorRefused

__all__ = ["OperatorJournal"]


class OperatorJournal:
    """Writes ``operator_write``: who, what, on what, and ``outcome`` done, refused or failed.

    What failed may have been done in part.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @contextmanager
    def writes(self, acting: ActingOperator, action: str, **on: str) -> Iterator[None]:
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
                "operator_write", operator=acting.name, action=action, outcome=outcome, **on
            )
