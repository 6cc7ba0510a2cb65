"""A phone says that it has a challenge, and that it shows it: for the ledger, and nothing else."""

from ciba_service.ports import Clock, DeviceStore, LedgerStore, Telemetry, UnknownRecordFormat
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.sca.messages import Received, Shown
from ciba_service.sca.phones.devices import Device, DeviceRevoked

__all__ = ["Receipts"]


class Receipts:
    """Takes receipts in; whatever a phone says of itself decides nothing."""

    def __init__(
        self, *, ledgers: LedgerStore, devices: DeviceStore, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._ledgers = ledgers
        self._devices = devices
        self._clock = clock
        self._telemetry = telemetry

    async def note(self, device: Device, receipt: Received | Shown) -> None:
        """Write it down, once a phone.

        Raises:
            DeviceRevoked: when the phone is not enrolled any more.
            StoreUnavailable: when the store cannot be reached.
        """
        if not await self._devices.is_active(device.device_id):
            raise DeviceRevoked
        kind = LedgerKind.RECEIVED if isinstance(receipt, Received) else LedgerKind.SHOWN
        try:
            await self._ledgers.receipt(
                receipt.transaction_id,
                device.tag,
                device.device_id,
                kind,
                now=self._clock.now_ms(),
            )
        except UnknownRecordFormat as error:
            self._telemetry.failure(
                "receipt_not_noted", error, transaction_id=receipt.transaction_id
            )
