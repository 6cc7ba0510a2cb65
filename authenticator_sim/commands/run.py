"""``authenticator-sim run``: a phone that stays connected until it is told to stop."""

import asyncio
import signal
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, assert_never

from authenticator_sim.attendants import AnswerAll, Attendant, TerminalAttendant
from authenticator_sim.automation import Automation
from authenticator_sim.commands.oneshot import settle_pin
from authenticator_sim.commands.pins import given_pin, obtain_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.connection.push_service import LocalPushService
from authenticator_sim.connection.pushed import PushedConnection
from authenticator_sim.connection.socket import SocketConnection
from authenticator_sim.core.deciding.rules import Action, Rules
from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.core.identity.push import PushSubscription
from authenticator_sim.errors import UsageError
from authenticator_sim.event_log import EventLog
from authenticator_sim.further_phones import FurtherPhones
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.loopback import listen_on_loopback
from authenticator_sim.phone import Phone
from authenticator_sim.rule_attendant import AnswerByRules
from authenticator_sim.terminal.keyboard import Keyboard
from authenticator_sim.terminal.newcomer_dialogue import NewcomerDialogue

__all__ = ["NO_RULES", "AttendedBy", "RunOptions", "run"]

NO_RULES: Final = Rules((), Action.IGNORE)


class AttendedBy(Enum):
    """Who answers the challenges."""

    USER = "user"
    APPROVE_ALL = "approve all"
    DENY_ALL = "deny all"
    AUTOMATION = "automation"
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line asks for; ``automation_port`` counts for ``AUTOMATION`` only.

    ``rules`` are those for ``RULES``. With a ``push_port`` the phone has no socket: it listens
    there for the pushes that wake it.
    """

    attended_by: AttendedBy
    automation_port: int
    pin_file: Path | None
    state: Path
    ca_file: Path | None
    json: bool
    rules: Rules = NO_RULES
    push_port: int | None = None


async def run(options: RunOptions, surroundings: Surroundings) -> bool:
    """Keep the phone connected.

    Returns:
        True when SIGINT, SIGTERM or the user ended it, false when the service did.

    Raises:
        PhoneError: It cannot start.
    """
    keystore = Keystore(options.state)
    identity = keystore.load()
    journal = Journal(options.state)
    pin = await _pin(options, surroundings)
    reporter = surroundings.reporter(
        json=options.json, show_challenges=options.attended_by is not AttendedBy.USER
    )
    log = EventLog(reporter, journal, keystore)
    device = Device(identity, random_bytes=surroundings.random_bytes, history=journal.decisions())
    async with HttpClient(identity.messages, tls=tls_context(options.ca_file)) as http:
        https = HttpsConnection(
            device, http=http, clock=surroundings.clock, random_bytes=surroundings.random_bytes
        )
        await settle_pin(device, https, log)
        connection = _connection(options, surroundings, device=device, https=https, log=log)
        phone = Phone(
            device, channel=connection, clock=surroundings.clock, journal=journal, keystore=keystore
        )
        further = FurtherPhones(device, https=https, clock=surroundings.clock, keystore=keystore)
        attendant = _attendant(
            options, surroundings, phone=phone, further=further, pin=pin, log=log
        )
        log.listen(attendant.notice)
        try:
            return await _until_ended(connection, attendant)
        finally:
            for event in device.forget_unanswered():
                log.report(event)
            if isinstance(connection, PushedConnection):
                await connection.leave()


def _connection(
    options: RunOptions,
    surroundings: Surroundings,
    *,
    device: Device,
    https: HttpsConnection,
    log: EventLog,
) -> SocketConnection | PushedConnection:
    if options.push_port is None:
        return SocketConnection(
            device,
            clock=surroundings.clock,
            random_bytes=surroundings.random_bytes,
            tls=tls_context(options.ca_file),
            report=log.report,
        )
    subscription = PushSubscription.new(surroundings.random_bytes)
    push_service = LocalPushService(
        listen_on_loopback(options.push_port),
        subscription=subscription,
        clock=surroundings.clock,
        random_bytes=surroundings.random_bytes,
        report=log.report,
    )
    return PushedConnection(
        device, https=https, push_service=push_service, subscription=subscription, report=log.report
    )


async def _until_ended(
    connection: SocketConnection | PushedConnection, attendant: Attendant
) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    connected = asyncio.create_task(connection.run())
    others = (asyncio.create_task(attendant.run()), asyncio.create_task(stop.wait()))
    try:
        await asyncio.wait({connected, *others}, return_when=asyncio.FIRST_COMPLETED)
        for task in (connected, *others):
            if task.done():
                task.result()
        return not connected.done()
    finally:
        for task in (connected, *others):
            task.cancel()
        await asyncio.wait({connected, *others})
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _pin(options: RunOptions, surroundings: Surroundings) -> Pin | None:
    match options.attended_by:
        case AttendedBy.DENY_ALL:
            return None
        case AttendedBy.USER:
            return given_pin(surroundings, options.pin_file)
        case AttendedBy.APPROVE_ALL | AttendedBy.AUTOMATION | AttendedBy.RULES:
            return await obtain_pin(surroundings, options.pin_file)
        case _:
            assert_never(options.attended_by)


def _attendant(
    options: RunOptions,
    surroundings: Surroundings,
    *,
    phone: Phone,
    further: FurtherPhones,
    pin: Pin | None,
    log: EventLog,
) -> Attendant:
    match options.attended_by:
        case AttendedBy.USER:
            keyboard = _keyboard(options, surroundings)
            screen, look = surroundings.stdout, surroundings.look()
            newcomers = NewcomerDialogue(
                further, keyboard=keyboard, screen=screen, pin=pin, report=log.report, look=look
            )
            return TerminalAttendant(
                phone, keyboard=keyboard, screen=screen, pin=pin, newcomers=newcomers, look=look
            )
        case AttendedBy.APPROVE_ALL | AttendedBy.DENY_ALL:
            approve = options.attended_by is AttendedBy.APPROVE_ALL
            return AnswerAll(phone, approve=approve, pin=pin, report=log.report)
        case AttendedBy.RULES:
            return AnswerByRules(
                phone, rules=options.rules, pin=pin, further=further, report=log.report
            )
        case AttendedBy.AUTOMATION:
            listener = listen_on_loopback(options.automation_port)
            return Automation(phone, listener=listener, pin=pin, report=log.report)
        case _:
            assert_never(options.attended_by)


def _keyboard(options: RunOptions, surroundings: Surroundings) -> Keyboard:
    keyboard = surroundings.keyboard()
    if keyboard is None or options.json:
        raise UsageError(
            "Nobody to answer: use a terminal, or --approve-all, --deny-all, --rules or"
            " --automation-port."
        )
    return keyboard
