"""An abandoned callback is made once more, because an operator says so."""

from ciba_service.ports import Clock, DeliveryLog, Redelivery, Telemetry

__all__ = ["Redeliveries"]


class Redeliveries:
    """Makes abandoned callbacks due again; whoever works off due work makes them."""

    def __init__(self, *, deliveries: DeliveryLog, clock: Clock, telemetry: Telemetry) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._telemetry = telemetry

    async def redeliver(self, transaction_id: str, *, operation: str) -> Redelivery:
        """Make it due now, or say why not; raises ``StoreUnavailable``."""
        outcome = await self._deliveries.redeliver(
            transaction_id, operation=operation, now=self._clock.now_ms()
        )
        if outcome is Redelivery.DUE:
            self._telemetry.event(
                "callback_redelivered", transaction_id=transaction_id, by="operator"
            )
        return outcome
