"""``make demo``: a service, a phone and a till in one terminal, and one payment from end to end.

The service runs as its own process on an embedded Redis, the phone as another; the till is the
client library in this one. With ``--once`` everything ends after the flow, and the exit status says
whether it was delivered and verified; otherwise the service stays up to be played with.
"""

import argparse
import asyncio
import base64
import json
import os
import signal
import socket
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2
import msgspec

from authenticator_sim.core.events import ChallengeShown, Event
from authenticator_sim.terminal.reporter import sentence
from authenticator_sim.terminal.view import render_challenge
from ciba_client import (
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    TokenSet,
    parse_signing_key,
)

ROOT: Final = Path(__file__).resolve().parent.parent
BIN: Final = Path(sys.executable).parent
PIN: Final = "739154"
BINDING_MESSAGE: Final = "W4SCT"
READY_SECONDS: Final = 30
FLOW_SECONDS: Final = 60
DETAILS: Final[list[dict[str, object]]] = [
    {
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "12.50"},
        "creditorName": "Corner Shop Ltd",
        "creditorAccount": {"iban": "DE89370400440532013000"},
    }
]


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
        }


async def main(*, once: bool) -> int:
    """Run the demo; returns the exit status."""
    timeline = Timeline()
    with tempfile.TemporaryDirectory(prefix="ciba-demo-") as name:
        try:
            place = await _prepare(Path(name))
            async with _service(place, timeline), _phone(place, timeline):
                await _till(place, timeline)
                if not once:
                    await _stay(place)
        except (DemoFailed, CibaClientError, TimeoutError) as error:
            timeline.say("demo", f"FAILED: {type(error).__name__}: {error}")
            return 1
    timeline.say("demo", "approved on the phone, delivered to the till, verified, executed: done")
    return 0


async def _prepare(directory: Path) -> Place:
    port = _free_port()
    jwks = await _run("ciba-client", "keygen", str(directory / "till.jwk"), "--toml")
    example = (ROOT / "ciba.example.toml").read_text("utf-8")
    place = Place(directory, f"http://127.0.0.1:{port}", port)
    place.config.write_text(example.replace("jwks = { keys = [] }", jwks.strip()), "utf-8")
    (directory / "pin").write_text(PIN, "utf-8")
    return place


@asynccontextmanager
async def _service(place: Place, timeline: Timeline) -> AsyncIterator[None]:
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
async def _phone(place: Place, timeline: Timeline) -> AsyncIterator[None]:
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


async def _till(place: Place, timeline: Timeline) -> None:
    key = parse_signing_key((place.directory / "till.jwk").read_bytes())
    configuration = ClientConfiguration(
        issuer=place.issuer, client_id="till", key=key, dpop_bound_access_tokens=True
    )
    async with asyncio.timeout(FLOW_SECONDS), CibaClient(configuration) as client:
        timeline.say("till", "asks the provider to let alice@example.org approve 12.50 EUR")
        async with client.authenticate(
            scope="openid profile",
            login_hint="alice@example.org",
            binding_message=BINDING_MESSAGE,
            authorization_details=DETAILS,
        ) as pending:
            timeline.say("service", f"took the signed request: expires in {pending.expires_in} s")
            timeline.say("till", f"shows {BINDING_MESSAGE} and polls every {pending.interval} s")
            tokens = await pending.tokens()
        _show(tokens, timeline)
        await _pay(client, tokens, place, timeline)


def _show(tokens: TokenSet, timeline: Timeline) -> None:
    timeline.say("till", f"received tokens ({tokens.token_type}, {tokens.expires_in} s), verified")
    timeline.say("till", "ID token: who, how strongly, and by which factors (amr)")
    timeline.block(json.dumps(dict(tokens.id_token.claims), indent=2))
    timeline.say("till", "granted: exactly the amount and payee that were shown")
    timeline.block(json.dumps(tokens.authorization_details, indent=2))
    timeline.say("till", "access token: the same, and the hash of what was signed")
    timeline.block(_decoded(tokens.access_token))


async def _pay(client: CibaClient, tokens: TokenSet, place: Place, timeline: Timeline) -> None:
    """Have the payment executed, and see that it cannot be done twice."""
    url = f"{place.issuer}/resource/payments"
    async with httpx2.AsyncClient() as http:
        paid = await _present(http, client, tokens, url)
        if paid.status_code == HTTPStatus.UNAUTHORIZED:
            nonce = paid.headers.get("dpop-nonce")
            paid = await _present(http, client, tokens, url, nonce)
        if paid.status_code != HTTPStatus.CREATED:
            raise DemoFailed(f"the payment was refused: {paid.text}")
        timeline.say("till", "presents the token at the bank's resource: payment executed")
        timeline.block(json.dumps(paid.json(), indent=2))
        again = await _present(http, client, tokens, url)
        if again.status_code != HTTPStatus.CONFLICT:
            raise DemoFailed(f"a second use was answered {again.status_code}")
        timeline.say("till", f"presents it once more: {again.json()['error']}, once is all")


async def _present(
    http: httpx2.AsyncClient,
    client: CibaClient,
    tokens: TokenSet,
    url: str,
    nonce: str | None = None,
) -> httpx2.Response:
    """Call with a fresh proof; the first one brings the resource's nonce (RFC 9449 9)."""
    headers = client.resource_headers(tokens, method="POST", url=url, nonce=nonce)
    return await http.post(url, headers=headers)


def _decoded(token: str) -> str:
    """What stands in a token; whom it is for has to verify it."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return json.dumps(claims, indent=2)


async def _stay(place: Place) -> None:
    print(
        f"""
The service stays up. In another terminal:

  {BIN}/ciba-client start --issuer {place.issuer} --client-id till \\
      --key {place.directory}/till.jwk --login-hint alice@example.org \\
      --binding-message HELLO --wait
  {BIN}/ciba-service users list --config {place.config}

Ctrl-C ends everything.""",
        flush=True,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    await ended.wait()


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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--once", action="store_true", help="end after the flow")
    sys.exit(asyncio.run(main(once=parser.parse_args().once)))
