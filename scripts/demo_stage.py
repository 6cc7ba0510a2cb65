"""The stage of ``make demo``: a service, a phone and a notification endpoint, ended with it."""

import asyncio
import contextlib
import os
import socket
import time
from asyncio import StreamReader
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from demo_place import BIN, BY_HAND, CLIENTS, DemoFailed, Place, run_program
from starlette.types import ASGIApp

from authenticator_sim.core.events import ChallengeShown, Event
from authenticator_sim.terminal.wording.sentences import sentence
from authenticator_sim.terminal.wording.view import render_challenge

__all__ = [
    "Timeline",
    "notification_endpoint",
    "phone",
    "playground",
    "service",
    "web_phone",
]

READY_SECONDS: Final = 30


@dataclass
class Timeline:
    """Prints what happens, when, and to whom."""

    started_at: float = field(default_factory=time.monotonic)

    def say(self, who: str, what: str) -> None:
        """One line."""
        elapsed = time.monotonic() - self.started_at
        print(f"{elapsed:6.2f} s  {who:<8} {what}", flush=True)

    def title(self, text: str) -> None:
        """What comes next."""
        print(f"\n--- {text}", flush=True)

    def block(self, text: str) -> None:
        """Several lines, set off."""
        for line in text.splitlines():
            print(f"{'':20}{line}", flush=True)


@asynccontextmanager
async def notification_endpoint(app: ASGIApp, place: Place) -> AsyncIterator[None]:
    """Serve an application of the clients where they are notified."""
    with socket.create_server(("127.0.0.1", place.callback_port)) as listener:
        config = uvicorn.Config(app, log_config=None, log_level="error", lifespan="off", ws="none")
        server = _QuietServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


class _QuietServer(uvicorn.Server):
    """Leaves the signals to the demo."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def service(place: Place, timeline: Timeline) -> AsyncIterator[None]:
    """Run the service until the end of the block."""
    log = place.directory / "service.log"
    process = await _serve(place, log)
    try:
        await _until_ready(place, process, log)
        timeline.say("service", f"ready at {place.issuer}, on a Redis server of its own")
        yield
    finally:
        await _end(process)


async def _serve(place: Place, log: Path) -> Process:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(BIN / "ciba-service", "serve", "--config", place.config),
            stderr=descriptor,
        )
    finally:
        os.close(descriptor)


async def _until_ready(place: Place, process: Process, log: Path) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while not await _answers(place.port):
            if process.returncode is not None:
                said = await asyncio.to_thread(log.read_text, "utf-8")
                raise DemoFailed(f"the service ended: {said[-400:]}")
            await asyncio.sleep(0.05)


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /readyz HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
    status = await reader.readline()
    writer.close()
    return b" 200 " in status


@asynccontextmanager
async def phone(place: Place, timeline: Timeline) -> AsyncIterator[None]:
    """Enrol a phone of alice that approves everything, and run it until the end of the block."""
    state = ["--state", str(place.directory / "phone"), "--pin-file", str(place.directory / "pin")]
    await run_program(
        "authenticator-sim", "enrol", *state, "--issuer", place.issuer,
        "--activation-code", "ALICE-PHONE-ONE", "--name", "Alice's phone",
    )  # fmt: skip
    timeline.say("phone", "enrolled for alice-approves: activation code, proof of its new key")
    process = await asyncio.create_subprocess_exec(
        BIN / "authenticator-sim", "run", *state, "--approve-all", "--json", stdout=PIPE
    )
    reading = asyncio.create_task(_narrate(process, timeline))
    try:
        yield
    finally:
        await _end(process)
        await reading


@asynccontextmanager
async def web_phone(place: Place, timeline: Timeline) -> AsyncIterator[None]:
    """Serve the phone for browsers until the end of the block."""
    port = ("--port", str(place.phone_port))
    async with _page(
        place.phone_origin, "authenticator-sim", "web", "--issuer", place.issuer, *port
    ):
        timeline.say("phone", f"for browsers: {place.phone_origin}/")
        yield


@asynccontextmanager
async def playground(place: Place) -> AsyncIterator[str]:
    """Serve the playground with all three clients; yields its address, which lets in."""
    clients = [flag for name in CLIENTS for flag in ("--config", str(place.client(name)))]
    origin = f"http://127.0.0.1:{place.playground_port}"
    flags = ("--port", str(place.playground_port), "--login-hint", BY_HAND)
    async with _page(origin, "ciba-client", "playground", *clients, *flags) as address:
        yield address


@asynccontextmanager
async def _page(origin: str, program: str, *arguments: str) -> AsyncIterator[str]:
    """Run what serves a page of an origin, until the end of the block; yields its address."""
    process = await asyncio.create_subprocess_exec(
        BIN / program, *arguments, stdout=PIPE, stderr=STDOUT
    )
    if process.stdout is None:
        raise AssertionError("the output is a pipe")
    try:
        async with asyncio.timeout(READY_SECONDS):
            address = await _address(origin, process.stdout)
        yield address
    finally:
        await _end(process)


async def _address(origin: str, output: StreamReader) -> str:
    """What a program says that its address is; raises ``DemoFailed`` if it says none."""
    said = ""
    async for line in output:
        said += line.decode()
        for word in line.decode().split():
            if word.startswith(f"{origin}/"):
                return word
    raise DemoFailed(f"a page ended: {said.strip()}")


async def _narrate(process: Process, timeline: Timeline) -> None:
    """Pass on what the phone reports, each challenge as its user sees it."""
    if process.stdout is None:
        raise AssertionError("the phone's output is a pipe")
    reported: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
    async for line in process.stdout:
        event = reported.decode(line)
        if isinstance(event, ChallengeShown):
            timeline.say("phone", f"shows transaction {event.transaction_id}")
            sheet = render_challenge(event.challenge, event.seconds_left)
            timeline.block("\n".join(filter(None, sheet.splitlines())))
        elif text := sentence(event):
            timeline.say("phone", text)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(READY_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
