"""What an operator changes by a command is a security event as well."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ciba_service.channels.event_lines import EventFile
from ciba_service.clock import SystemClock
from ciba_service.commands.opening import system_surroundings
from ciba_service.ports import EventsUnwritable, Telemetry
from ciba_service.protocol.security_events.kinds import OperatorWrote
from ciba_service.protocol.security_events.record import EVENT_ID_BYTES, record_of
from ciba_service.settings import STANDARD_OUTPUT, Settings
from ciba_service.telemetry import LogTelemetry
from ciba_service.wiring.running.security_events import build_recorder, watched
from ciba_service.wiring.stores import Stores

__all__ = ["operator_write", "tell_operator_write"]


@asynccontextmanager
async def operator_write(
    settings: Settings,
    stores: Stores,
    action: str,
    *,
    user: str | None = None,
    device_id: str | None = None,
    client_id: str | None = None,
    transaction_id: str | None = None,
) -> AsyncIterator[Telemetry]:
    """The log for a command that changes something, whose security events are written at the end.

    Unless it fails, one of them says what the operator did.
    """
    surroundings = system_surroundings()
    arrivals = [asyncio.Event() for _ in stores.outboxes]
    recorder = build_recorder(
        settings, stores, surroundings, arrivals, prints=False, on_arrival=_nobody_looks
    )
    telemetry = watched(surroundings, recorder).telemetry
    try:
        yield telemetry
        telemetry.security_event(
            OperatorWrote(
                action=action,
                operator=_operator(),
                user=user,
                device_id=device_id,
                client_id=client_id,
                transaction_id=transaction_id,
            )
        )
    finally:
        await recorder.flush()


def _nobody_looks() -> None:
    """No stream of this process shows events."""


def tell_operator_write(settings: Settings, action: str) -> None:
    """Say what an operator did by a command that opens no store: receivers are not told."""
    event, file = OperatorWrote(action=action, operator=_operator()), settings.security_events.file
    log = LogTelemetry()
    if file is None or file == STANDARD_OUTPUT:
        log.security_event(event)
        return
    entropy, now = secrets.token_bytes(EVENT_ID_BYTES), SystemClock().now_ms()
    try:
        EventFile(Path(file)).append([record_of(event, entropy=entropy, now=now)])
    except EventsUnwritable as error:
        log.failure("security_events_not_written", error)


def _operator() -> str:
    """Whoever runs the command: names may be missing where there are numbers."""
    return f"uid {os.getuid()}"
