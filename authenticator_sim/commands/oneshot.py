"""``list``, ``approve``, ``deny``, ``handle`` and ``access``: one errand over HTTPS each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from authenticator_sim.commands.gestures import obtain_gesture
from authenticator_sim.commands.pins import obtain_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    AccessStopped,
    ChallengeIgnored,
    ChallengeShown,
    Decided,
    Event,
    HandleShown,
    KeysIgnored,
    KeysPinned,
)
from authenticator_sim.core.identity.passkeys import takes_passkey, takes_pin
from authenticator_sim.errors import ServiceUnreachable, UsageError
from authenticator_sim.event_log import EventLog
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import Decide, DenialReason, Shown, TransactionId

__all__ = [
    "Errand",
    "OneShotOptions",
    "approve",
    "deny",
    "end_access",
    "list_accesses",
    "list_open",
    "open_errand",
    "settle_pin",
    "show_handle",
]


@dataclass(frozen=True, slots=True)
class OneShotOptions:
    """What the command line asks for."""

    state: Path
    ca_file: Path | None
    json: bool


@dataclass(frozen=True, slots=True)
class Errand:
    """One phone on one errand over HTTPS; it is the phone's way to the service."""

    https: HttpsConnection
    log: EventLog
    keystore: Keystore
    accepted: list[Decided] = field(default_factory=list)

    def report(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Report each of them; they are handed back."""
        for event in events:
            self.log.report(event)
        return events

    async def find(self, phone: Phone, transaction_id: str) -> VerifiedChallenge:
        """Fetch, show the one challenge that is meant, and return it; raises ``NotOpen``."""
        for event in await self.https.fetch():
            meant = isinstance(event, ChallengeShown) and event.transaction_id == transaction_id
            if meant or isinstance(event, ChallengeIgnored | KeysPinned | KeysIgnored):
                self.log.report(event)
        return phone.open_challenge(transaction_id)

    async def tell(self, receipt: Shown) -> None:
        """Say that a challenge is in front of the user; nothing depends on it."""
        with suppress(ServiceUnreachable):
            await self.https.tell(receipt)

    async def submit(self, decide: Decide) -> None:
        """Hand the decision in and report its outcome."""
        for event in await self.https.decide(decide):
            if isinstance(event, Decided):
                self.accepted.append(event)
            self.log.report(event)


async def list_open(options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Show every open challenge; raises ``PhoneError`` when the service cannot be asked."""
    async with open_errand(options, surroundings, lists=True) as (errand, phone):
        events = errand.report(await errand.https.fetch())
        for event in events:
            if isinstance(event, ChallengeShown) and not options.json:
                await phone.tell_shown(event.transaction_id)
    return True


async def show_handle(options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Show a one-time ``login_hint``; true when there is one. Raises ``PhoneError``."""
    async with open_errand(options, surroundings) as (errand, _):
        events = errand.report(await errand.https.ask_for_handle())
    return any(isinstance(event, HandleShown) for event in events)


async def approve(
    transaction_id: str,
    options: OneShotOptions,
    surroundings: Surroundings,
    *,
    pin_file: Path | None,
    verification_code: str | None,
    with_passkey: bool = False,
) -> bool:
    """Approve one challenge; true when the service accepted. Raises ``PhoneError``.

    ``with_passkey``: instead of the PIN, wherever it may take its place.
    """
    async with open_errand(options, surroundings) as (errand, phone):
        challenge = await errand.find(phone, transaction_id)
        content = challenge.content
        asks_for_pin = takes_pin(content, offered=with_passkey)
        asks_for_passkey = takes_passkey(content, offered=with_passkey)
        await phone.approve(
            transaction_id,
            pin=await obtain_pin(surroundings, pin_file) if asks_for_pin else None,
            verification_code=verification_code,
            gesture=await obtain_gesture(surroundings) if asks_for_passkey else None,
        )
        return bool(errand.accepted)


async def deny(
    transaction_id: str,
    options: OneShotOptions,
    surroundings: Surroundings,
    reason: DenialReason,
) -> bool:
    """Decline one challenge; true when the service accepted. Raises ``PhoneError``."""
    async with open_errand(options, surroundings) as (errand, phone):
        await errand.find(phone, transaction_id)
        await phone.deny(transaction_id, reason=reason)
        return bool(errand.accepted)


async def list_accesses(options: OneShotOptions, surroundings: Surroundings) -> bool:
    """Show every access that lasts; raises ``PhoneError`` when the service cannot be asked."""
    async with open_errand(options, surroundings) as (errand, _):
        errand.report(await errand.https.list_accesses())
    return True


async def end_access(
    transaction_id: str, options: OneShotOptions, surroundings: Surroundings
) -> bool:
    """End one access; true when it is over, now or before.

    Raises:
        UsageError: The text is no transaction id.
        PhoneError: The service cannot be asked.
    """
    try:
        msgspec.convert(transaction_id, TransactionId)
    except msgspec.ValidationError:
        raise UsageError("A transaction id has 22 letters, digits, - or _.") from None
    async with open_errand(options, surroundings) as (errand, _):
        events = errand.report(await errand.https.end_access(transaction_id))
        return any(isinstance(event, AccessStopped) for event in events)


async def settle_pin(device: Device, https: HttpsConnection, log: EventLog) -> None:
    """Learn what became of a PIN that was ordered, if that is not known; raises ``PhoneError``."""
    order = device.pending_order()
    if order is not None:
        for event in await https.give_order(order):
            log.report(event)


@asynccontextmanager
async def open_errand(
    options: OneShotOptions, surroundings: Surroundings, *, lists: bool = False
) -> AsyncIterator[tuple[Errand, Phone]]:
    """A phone on one errand; what is not known of its PIN is asked first."""
    keystore = Keystore(options.state)
    identity = keystore.load()
    journal = Journal(options.state)
    clock, random_bytes = surroundings.clock, surroundings.random_bytes
    device = Device(identity, random_bytes=random_bytes, history=journal.decisions())
    reporter = surroundings.reporter(json=options.json, lists=lists)
    log = EventLog(reporter, journal, keystore)
    async with HttpClient(identity.messages, tls=tls_context(options.ca_file)) as http:
        https = HttpsConnection(device, http=http, clock=clock, random_bytes=random_bytes)
        errand = Errand(https=https, log=log, keystore=keystore)
        await settle_pin(device, https, log)
        phone = Phone(device, channel=errand, clock=clock, journal=journal, keystore=keystore)
        yield errand, phone
