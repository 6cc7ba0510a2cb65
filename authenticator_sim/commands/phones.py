"""``devices`` and ``pin change``: one errand over HTTPS each."""

import asyncio
from pathlib import Path

import msgspec

from authenticator_sim.commands.oneshot import Errand, OneShotOptions, open_errand, settle_pin
from authenticator_sim.commands.pins import NEW_PIN_VARIABLE, choose_pin, obtain_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.account.orders import revocation
from authenticator_sim.core.events import (
    InvitationShown,
    OrderDone,
    PhoneRejected,
    Renamed,
    ThisDeviceRevoked,
)
from authenticator_sim.core.identity.pin import Pin, unwrap_pin_key
from authenticator_sim.errors import DeviceRevoked, KeystoreRefused, UsageError
from authenticator_sim.further_phones import FurtherPhones
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import (
    DenialReason,
    DeviceId,
    DeviceName,
    GiveUp,
    ListDevices,
    RenameDevice,
)

__all__ = [
    "approve_device",
    "change_pin",
    "invite_device",
    "list_devices",
    "reject_device",
    "rename",
    "revoke_device",
]


async def list_devices(options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Show every phone of the user; raises ``PhoneError`` when the service cannot be asked."""
    async with open_errand(options, surroundings, lists=True) as (errand, _):
        errand.report(await errand.https.tell(ListDevices()))
    return True


async def rename(name: str, options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Give this phone another name; true when the service takes it. Raises ``PhoneError``."""
    try:
        msgspec.convert(name, DeviceName)
    except msgspec.ValidationError:
        raise UsageError("A name has 1 to 64 characters.") from None
    async with open_errand(options, surroundings) as (errand, _):
        events = errand.report(await errand.https.tell(RenameDevice(name)))
    return any(isinstance(event, Renamed) for event in events)


async def revoke_device(
    device_id: str, options: OneShotOptions, surroundings: Surroundings, *, pin_file: Path | None
) -> bool:
    """Revoke another phone with the PIN, or give this one up; true when that is done.

    Raises:
        UsageError: The text is no device id.
        PhoneError: There is no PIN, or the service cannot be asked.
    """
    _require_device_id(device_id)
    async with open_errand(options, surroundings) as (errand, phone):
        if device_id == phone.device.identity.device_id:
            return await _give_up(errand)
        pin = await obtain_pin(surroundings, pin_file)
        pin_key = await asyncio.to_thread(unwrap_pin_key, phone.device.identity.pin_key, pin)
        order = phone.device.order(
            revocation(device_id),
            pin_key=pin_key,
            nonce=await errand.https.fresh_nonce(),
            now_ms=phone.clock.now_ms(),
        )
        events = errand.report(await errand.https.give_order(order.message))
    return any(isinstance(event, OrderDone) for event in events)


async def approve_device(
    code: str, options: OneShotOptions, surroundings: Surroundings, *, pin_file: Path | None
) -> bool:
    """Approve the phone that waits and shows this code; true when it is done.

    Raises:
        NoSuchNewcomer: No phone that waits shows it.
        PhoneError: There is no PIN, or the service cannot be asked.
    """
    async with open_errand(options, surroundings) as (errand, phone):
        await errand.https.tell(ListDevices())
        phone.device.find_newcomer(code, now_ms=phone.clock.now_ms())  # before the PIN is asked for
        pin = await obtain_pin(surroundings, pin_file)
        events = errand.report(await _further(errand, phone).approve(code, pin=pin))
    return any(isinstance(event, OrderDone) for event in events)


async def reject_device(
    device_id: str, options: OneShotOptions, surroundings: Surroundings, reason: DenialReason
) -> bool:
    """Turn a phone away that waits; true when it is done. Raises ``PhoneError``."""
    _require_device_id(device_id)
    async with open_errand(options, surroundings) as (errand, phone):
        events = errand.report(await _further(errand, phone).reject(device_id, reason=reason))
    return any(isinstance(event, PhoneRejected) for event in events)


async def invite_device(
    options: OneShotOptions, surroundings: Surroundings, *, pin_file: Path | None
) -> bool:
    """Show an activation code for the next phone; true when there is one. Raises ``PhoneError``."""
    async with open_errand(options, surroundings) as (errand, phone):
        pin = await obtain_pin(surroundings, pin_file)
        events = errand.report(await _further(errand, phone).invite(pin=pin))
    return any(isinstance(event, InvitationShown) for event in events)


async def change_pin(
    options: OneShotOptions,
    surroundings: Surroundings,
    *,
    pin_file: Path | None,
    new_pin_file: Path | None,
) -> bool:
    """Put another PIN in the place of this phone's; true when it counts. Raises ``PhoneError``."""
    async with open_errand(options, surroundings) as (errand, phone):
        old = await obtain_pin(surroundings, pin_file)
        new = await choose_pin(surroundings, new_pin_file, variable=NEW_PIN_VARIABLE)
        if new == old:
            raise UsageError("The new PIN is the old one.")
        await _order_pin(errand, phone, old=old, new=new)
        before = phone.device.identity.pin_key
        await settle_pin(phone.device, errand.https, errand.log)
        return phone.device.identity.pin_key != before


async def _order_pin(errand: Errand, phone: Phone, *, old: Pin, new: Pin) -> None:
    pin_key = await asyncio.to_thread(unwrap_pin_key, phone.device.identity.pin_key, old)
    pending = phone.device.order_pin(
        new,
        pin_key=pin_key,
        nonce=await errand.https.fresh_nonce(),
        now_ms=phone.clock.now_ms(),
    )
    # On disk before it goes out: whatever is lost from here on, both keys are at hand.
    if not errand.keystore.keep_pending(pending):
        raise KeystoreRefused("Another process is changing the PIN of this phone.")


def _require_device_id(text: str) -> None:
    try:
        msgspec.convert(text, DeviceId)
    except msgspec.ValidationError:
        raise UsageError("A device id has 43 letters, digits, - or _.") from None


def _further(errand: Errand, phone: Phone) -> FurtherPhones:
    return FurtherPhones(
        phone.device, https=errand.https, clock=phone.clock, keystore=errand.keystore
    )


async def _give_up(errand: Errand) -> bool:
    try:
        errand.report(await errand.https.tell(GiveUp()))
    except DeviceRevoked:  # the answer before was lost
        errand.log.report(ThisDeviceRevoked())
    return True
