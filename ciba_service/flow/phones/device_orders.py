"""A phone orders with its PIN what could be turned against its user (PSD2 RTS 22 to 24).

Phones come and go, the PIN changes, a passkey is registered.

The PIN is an attempt like any other: counted before it is looked at, and forgotten only once the
order is carried out.
"""

from typing import Final, assert_never

from ciba_service.flow.deciding.failed_attempts import FailedAttempts
from ciba_service.flow.phones.device_approval import DeviceApproval
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.invitations import Invitations
from ciba_service.flow.phones.passkey_registration import PasskeyRegistration
from ciba_service.ports import (
    AttemptStore,
    Clock,
    DeviceStore,
    KeyRing,
    ReplayKind,
    ReplayStore,
    Telemetry,
)
from ciba_service.protocol.security_events.kinds import (
    FactorsLocked,
    InvalidOrder,
    PinChanged,
    WrongFactors,
)
from ciba_service.sca.factors.attempts import Attempt, LockedError, PausedError, seconds_until
from ciba_service.sca.messages import OrderAction, OrderCarriedOut, OrderRefusal, OrderRefused
from ciba_service.sca.phones.devices import Device, DeviceRevoked
from ciba_service.sca.phones.nonces import NONCE_LIFETIME_MS, Nonces
from ciba_service.sca.phones.orders import (
    InvalidOrderError,
    PresentedOrder,
    SignedOrder,
    parse_order,
    proves_pin,
    verify_order,
)

__all__ = ["DeviceOrders"]

# Longer than any request takes: an order that is refused as stale can be under way nowhere else.
_GRACE_MS: Final = 60_000


class DeviceOrders:
    """Carries orders out, each once."""

    def __init__(
        self,
        *,
        issuer: str,
        nonces: Nonces,
        devices: DeviceStore,
        attempts: AttemptStore,
        replays: ReplayStore,
        failures: FailedAttempts,
        revocation: DeviceRevocation,
        approval: DeviceApproval,
        invitations: Invitations,
        passkeys: PasskeyRegistration,
        keys: KeyRing,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._issuer = issuer
        self._nonces = nonces
        self._devices = devices
        self._attempts = attempts
        self._replays = replays
        self._failures = failures
        self._revocation = revocation
        self._approval = approval
        self._invitations = invitations
        self._passkeys = passkeys
        self._keys = keys
        self._clock = clock
        self._telemetry = telemetry

    async def carry_out(self, device_id: str, text: str) -> OrderCarriedOut | OrderRefused:
        """Hear an order of an authenticated phone.

        Raises:
            InvalidOrderError: when it is no order at all (the phone broke the protocol).
            DeviceRevoked: when the phone may not order any more.
            StoreUnavailable: when the store cannot be reached; the same order may come again.
        """
        presented = parse_order(text)
        device = await self._devices.find(device_id)
        if device is None:
            raise DeviceRevoked
        answer = await self._answer(presented, device)
        self._telemetry.event(
            "order_carried_out" if isinstance(answer, OrderCarriedOut) else "order_refused",
            device_id=device_id,
            action=presented.claims.action.value,
            reason=answer.reason.value if isinstance(answer, OrderRefused) else None,
        )
        return answer

    async def _answer(
        self, presented: PresentedOrder, device: Device
    ) -> OrderCarriedOut | OrderRefused:
        # Verified before, to the byte: its own key is registered, whenever it comes again.
        if device.pin_order == presented.operation:
            return await self._done_before(presented, device)
        if await self._passkeys.has_registered(presented.operation, device):
            return await self._done_before(presented, device)
        try:
            order = verify_order(
                presented,
                device=device,
                issuer=self._issuer,
                encryption_key=self._keys.factors_key,
            )
        except InvalidOrderError as error:
            self._telemetry.event("order_invalid", device_id=device.device_id, detail=str(error))
            self._telemetry.security_event(
                InvalidOrder(cause=error.cause, device_id=device.device_id, user=device.tag)
            )
            return _refused(presented, OrderRefusal.INVALID_ORDER)
        too_old = self._too_old(order)
        return await self._evaluate(order) if too_old is None else _refused(order, too_old)

    def _too_old(self, order: SignedOrder) -> OrderRefusal | None:
        now, nonces = self._clock.now_ms(), self._nonces
        if order.claims.action is OrderAction.ADD_PASSKEY:
            nonces = self._passkeys.challenges(order.device.device_id)
        if nonces.expiry(order.claims.nonce, now) is not None:
            return None
        begun = nonces.expiry(order.claims.nonce, now - _GRACE_MS) is not None
        return OrderRefusal.UNAVAILABLE if begun else OrderRefusal.STALE

    async def _evaluate(self, order: SignedOrder) -> OrderCarriedOut | OrderRefused:
        try:
            attempt = await self._attempts.reserve(
                order.device.tag,
                operation=order.operation,
                knowledge=True,
                now=self._clock.now_ms(),
            )
        except LockedError:
            return _refused(order, OrderRefusal.LOCKED)
        except PausedError as paused:
            wait = seconds_until(paused.until, self._clock.now_ms())
            return OrderRefused(order.claims.jti, OrderRefusal.PAUSED, retry_after=wait)
        if not await self._holds(order):
            await self._failures.note(order.device, attempt, operation=order.operation)
            self._tell_wrong(order.device, attempt.left)
            return OrderRefused(order.claims.jti, OrderRefusal.FACTORS, attempt.left)
        answer = await self._perform(order, attempt)
        # The PIN was right, whatever came of the order: nothing counts against the user.
        await self._attempts.succeeded(order.device.tag, operation=order.operation)
        return answer

    async def _holds(self, order: SignedOrder) -> bool:
        """Whether the PIN was entered for this order; its proof is good for no other.

        A key signs the same claims in many ways, and whoever can sign must win nothing by it.
        """
        return proves_pin(order) and await self._replays.reserve(
            ReplayKind.ORDER_PROOF,
            order.device.device_id,
            order.pin_proof,
            operation=order.operation,
            # A nonce lives no longer from now on, whenever it was made.
            until=self._clock.now_ms() + NONCE_LIFETIME_MS,
        )

    def _tell_wrong(self, device: Device, left: int) -> None:
        device_id, tag = device.device_id, device.tag
        self._telemetry.security_event(
            WrongFactors(attempts_left=left, device_id=device_id, user=tag)
        )
        if left == 0:
            self._telemetry.security_event(FactorsLocked(device_id=device_id, user=tag))

    async def _perform(
        self, order: SignedOrder, attempt: Attempt
    ) -> OrderCarriedOut | OrderRefused:
        device, claims = order.device, order.claims
        match claims.action:
            case OrderAction.REVOKE_DEVICE:
                done = await self._revoke(order)
                return _done(order) if done else _refused(order, OrderRefusal.UNKNOWN_DEVICE)
            case OrderAction.APPROVE_DEVICE:
                done = await self._approval.approve_for(
                    device.device_id,
                    claims.device_id or "",
                    key=claims.key or "",
                    operation=order.operation,
                )
                return _done(order) if done else _refused(order, OrderRefusal.UNKNOWN_DEVICE)
            case OrderAction.INVITE_DEVICE:
                return await self._invitations.make(order, ordered_at=attempt.reserved_at)
            case OrderAction.CHANGE_PIN:
                done = await self._devices.change_pin(
                    device, order.pin_key, operation=order.operation
                )
                if not done:
                    return _refused(order, OrderRefusal.STALE)
                self._telemetry.security_event(
                    PinChanged(device_id=device.device_id, user=device.tag)
                )
                return _done(order)
            case OrderAction.ADD_PASSKEY:
                refusal = await self._passkeys.register(order)
                return _done(order) if refusal is None else _refused(order, refusal)
            case _:
                assert_never(claims.action)

    async def _done_before(self, presented: PresentedOrder, device: Device) -> OrderCarriedOut:
        await self._attempts.succeeded(device.tag, operation=presented.operation)
        return _done(presented)

    async def _revoke(self, order: SignedOrder) -> bool:
        asking, target = order.device.device_id, order.claims.device_id or ""
        if target == asking:
            return False
        name = await self._revocation.revoke_for(asking, target, operation=order.operation)
        return name is not None


def _done(order: PresentedOrder | SignedOrder) -> OrderCarriedOut:
    return OrderCarriedOut(order.claims.jti, order.claims.action)


def _refused(order: PresentedOrder | SignedOrder, reason: OrderRefusal) -> OrderRefused:
    return OrderRefused(order.claims.jti, reason)
