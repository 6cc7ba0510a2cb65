"""``passkeys``: add, list and remove, one errand over HTTPS each."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from authenticator_sim.commands.gestures import obtain_gesture
from authenticator_sim.commands.oneshot import OneShotOptions, open_errand
from authenticator_sim.commands.pins import obtain_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.core.account.orders import registration_of
from authenticator_sim.core.events import (
    OrderDone,
    OrderNotDone,
    PasskeyForgotten,
    PasskeyInvited,
)
from authenticator_sim.core.identity.passkeys import new_passkey
from authenticator_sim.core.identity.pin import unwrap_pin_key
from authenticator_sim.errors import UsageError
from ciba_service.sca.messages import ListPasskeys, MakePasskey, PasskeyId, RemovePasskey

__all__ = ["add_passkey", "list_passkeys", "remove_passkey"]


async def add_passkey(
    options: OneShotOptions,
    surroundings: Surroundings,
    *,
    pin_file: Path | None,
    origin: str | None,
    synced: bool,
) -> bool:
    """Make a passkey and register it with the PIN; true when it counts.

    Without an ``origin`` it is made as on a page of the issuer. Raises ``PhoneError``.
    """
    async with open_errand(options, surroundings) as (errand, phone):
        identity = phone.device.identity
        pin = await obtain_pin(surroundings, pin_file)
        offered = errand.report(await errand.https.tell(MakePasskey()))
        invited = next((each for each in offered if isinstance(each, PasskeyInvited)), None)
        if invited is None:
            return False
        passkey, attestation = new_passkey(
            invited.options,
            origin=origin or _origin(identity.issuer),
            gesture=await obtain_gesture(surroundings),
            synced=synced,
            random_bytes=surroundings.random_bytes,
        )
        # On disk before it goes out: an answer that is lost leaves no passkey without its key. What
        # became of it is then learnt from the list.
        errand.keystore.keep_passkey(passkey)
        order = phone.device.order(
            registration_of(attestation),
            pin_key=await asyncio.to_thread(unwrap_pin_key, identity.pin_key, pin),
            nonce=invited.options.challenge,
            now_ms=phone.clock.now_ms(),
        )
        events = errand.report(await errand.https.give_order(order.message))
        done = any(isinstance(event, OrderDone) for event in events)
        if done or any(isinstance(event, OrderNotDone) for event in events):
            errand.keystore.settle_passkey(passkey.passkey_id, counts=done)
        return done


async def list_passkeys(options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Show every passkey of this phone that counts; raises ``PhoneError``."""
    async with open_errand(options, surroundings, lists=True) as (errand, _):
        errand.report(await errand.https.tell(ListPasskeys()))
    return True


async def remove_passkey(
    passkey_id: str, options: OneShotOptions, surroundings: Surroundings
) -> bool:
    """Remove one; true when it was there. Raises ``PhoneError``."""
    try:
        msgspec.convert(passkey_id, PasskeyId)
    except msgspec.ValidationError:
        raise UsageError("A passkey id has 22 letters, digits, - or _, or more.") from None
    async with open_errand(options, surroundings) as (errand, _):
        events = errand.report(await errand.https.tell(RemovePasskey(passkey_id)))
    return any(isinstance(event, PasskeyForgotten) for event in events)


def _origin(issuer: str) -> str:
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}"
