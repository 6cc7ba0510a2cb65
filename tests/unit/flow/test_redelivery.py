"""An operator makes an abandoned callback due again, and the log says so."""

from dataclasses import dataclass

import pytest

from ciba_service.flow.due.redelivery import Redeliveries
from ciba_service.ports import Delivery, FoundDelivery, Redelivery
from ciba_service.ports.due.deliveries import DeliveryPlace
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry


@dataclass
class Log:
    """``ports.DeliveryLog`` that always says the same."""

    outcome: Redelivery
    asked: tuple[str, str, int] | None = None

    async def redeliver(self, transaction_id: str, *, operation: str, now: int) -> Redelivery:
        """Remember what was asked."""
        self.asked = (transaction_id, operation, now)
        return self.outcome

    async def due(
        self, *, client_id: str | None, limit: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """Not asked here."""
        raise AssertionError(f"{client_id} {limit} {after}")

    async def abandoned(
        self, *, client_id: str | None, limit: int, now: int, after: DeliveryPlace | None = None
    ) -> list[Delivery]:
        """Nor this."""
        raise AssertionError(f"{client_id} {limit} {now} {after}")

    async def find(self, transaction_id: str, *, now: int) -> FoundDelivery | None:
        """Nor this."""
        raise AssertionError(f"{transaction_id} {now}")


@pytest.mark.parametrize("outcome", list(Redelivery))
async def test_only_what_is_due_again_is_told(outcome: Redelivery):
    """It is due now, by whose hand the log says; a refusal changes and tells nothing."""
    log, clock, telemetry = Log(outcome), FakeClock(), RecordingTelemetry()
    step = Redeliveries(deliveries=log, clock=clock, telemetry=telemetry)
    assert await step.redeliver("transaction", operation="it") is outcome
    assert log.asked == ("transaction", "it", clock.now_ms())
    told = [(event.name, event.fields) for event in telemetry.events]
    said = ("callback_redelivered", {"transaction_id": "transaction", "by": "operator"})
    assert told == ([said] if outcome is Redelivery.DUE else [])
