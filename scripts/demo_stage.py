"""The stage of ``make demo``: a service, a phone and a notification endpoint, ended with it."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from starlette.types import ASGIApp

from authenticator_sim.core.events import ChallengeShown, Event
from authenticator_sim.terminal.sentences import sentence
from authenticator_sim.terminal.view import render_challenge

__all__ = [
    "BIN",
    "DemoFailed",
    "Place",
    "Timeline",
    "notification_endpoint",
    "phone",
    "prepare",
    "service",
]

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
PIN: Final = "739154"
READY_SECONDS: Final = 30

# The till of the example polls; these two are told.
FURTHER_CLIENTS: Final = """
[[clients]]
client_id = "kiosk"
client_name = "Cinema Kiosk"
profile = "fapi2-ciba"
dpop_bound_access_tokens = true
grant_types = ["urn:openid:params:grant-type:ciba"]
scope = "openid profile"
token_endpoint_auth_method = "private_key_jwt"
backchannel_token_delivery_mode = "ping"
backchannel_client_notification_endpoint = "{endpoint}"
backchannel_authentication_request_signing_alg = "ES256"
{kiosk}

[[clients]]
client_id = "bookshop"
client_name = "Bookshop"
profile = "ciba-core"
grant_types = ["urn:openid:params:grant-type:ciba", "refresh_token"]
scope = "openid profile"
token_endpoint_auth_method = "private_key_jwt"
backchannel_token_delivery_mode = "push"
backchannel_client_notification_endpoint = "{endpoint}"
backchannel_authentication_request_signing_alg = "ES256"
{bookshop}
"""


class DemoFailed(Exception):
    """Something did not come about; the text says what."""


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


@dataclass(frozen=True)
class Place:
    """Where the demo's files and addresses are."""

    directory: Path
    issuer: str
    port: int

    @property
    def config(self) -> Path:
        """The service's configuration."""
        return self.directory / "ciba.toml"

    @property
    def environment(self) -> dict[str, str]:
        """What is other than in the configuration, for the service."""
        return {
            "CIBA_SERVER__ISSUER": self.issuer,
            "CIBA_SERVER__PORT": str(self.port),
            "CIBA_STORE__DATA_DIRECTORY": str(self.directory / "var"),
            "CIBA_OUTBOUND__ALLOW_LOOPBACK_HTTP": "true",
        }

    def key(self, client_id: str) -> Path:
        """The private key of a client."""
        return self.directory / f"{client_id}.jwk"


async def prepare(directory: Path, *, endpoint: str) -> Place:
    """Make keys and configuration; ``endpoint`` is where clients are notified."""
    port = _free_port()
    place = Place(directory, f"http://127.0.0.1:{port}", port)
    jwks = {
        name: (await _run("ciba-client", "keygen", str(place.key(name)), "--toml")).strip()
        for name in ("till", "kiosk", "bookshop")
    }
    example = (ROOT / "ciba.example.toml").read_text("utf-8")
    example = example.replace("jwks = { keys = [] }", jwks["till"])
    place.config.write_text(example + FURTHER_CLIENTS.format(endpoint=endpoint, **jwks), "utf-8")
    (directory / "pin").write_text(PIN, "utf-8")
    return place


@asynccontextmanager
async def notification_endpoint(app: ASGIApp, path: str) -> AsyncIterator[str]:
    """Serve an application of the clients on this machine; yields the URL of ``path``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="error", lifespan="off", ws="none")
        server = _QuietServer(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
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
            env={**os.environ, **place.environment},
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
    await _run(
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


async def _run(program: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        BIN / program, *arguments, stdout=PIPE, stderr=PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise DemoFailed(f"{program}: {errors.decode().strip()}")
    return output.decode()


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(READY_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
