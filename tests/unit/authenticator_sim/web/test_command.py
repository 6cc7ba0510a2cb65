"""``authenticator-sim web``: what it serves, what it says, and how it ends."""

import asyncio
import io
import os
import signal
import socket
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import pytest

from authenticator_sim.commands.options import new_parser
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.commands.web import WebOptions, serve_web
from authenticator_sim.errors import AddressRefused, UsageError
from authenticator_sim.loopback import listen_on_localhost
from authenticator_sim.ports import SystemClock, system_random
from authenticator_sim.terminal.look.qr_code import qr_code
from tests.services.running_service import PLAIN

ISSUER = "https://op.example"


class Screen(io.StringIO):
    """Standard output that says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = asyncio.Event()

    def flush(self) -> None:
        """Somebody may look now."""
        self.flushed.set()


def wanted(**changes: object) -> WebOptions:
    """A free port, and nothing else."""
    options = {"issuer": ISSUER, "host": "127.0.0.1", "port": 0, "url": None}
    return WebOptions(**{**options, "opens": False, "shows_qr": False, **changes})  # type: ignore[arg-type]


def around(screen: io.StringIO) -> Surroundings:
    """No terminal."""
    return Surroundings(
        stdin=io.StringIO(),
        stdout=screen,
        environment={},
        clock=SystemClock(),
        random_bytes=system_random,
    )


@asynccontextmanager
async def running(**changes: object) -> AsyncIterator[str]:
    """What the command says, while it runs; it ends by a signal."""
    screen = Screen()
    command = asyncio.create_task(serve_web(wanted(**changes), around(screen)))
    await asyncio.wait_for(screen.flushed.wait(), 10)
    yield screen.getvalue()
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.wait_for(command, 10)


async def test_the_phone_is_where_the_command_says() -> None:
    """At a name that keys and passkeys of a browser need; Ctrl-C ends it well."""
    async with running() as said:
        first, second = said.splitlines()
        address = first.removeprefix("The phone is at ")
        assert address.startswith("http://localhost:")
        assert second == f"A second one is at {address}?phone=2"
        async with httpx2.AsyncClient(verify=PLAIN) as browser:
            told = await browser.get(f"{address}configuration.json")
        assert told.json() == {"issuer": ISSUER}


async def test_it_is_opened_and_drawn_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a browser's page, and as a QR code; behind a proxy under the name it has there."""
    opened = asyncio.Queue[str]()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(
        webbrowser, "open", lambda url: loop.call_soon_threadsafe(opened.put_nowait, url)
    )
    url = "https://phone.bank.example"
    async with running(url=url, opens=True, shows_qr=True) as said:
        assert await asyncio.wait_for(opened.get(), 10) == f"{url}/"
        assert said.endswith(qr_code(f"{url}/", coloured=False))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"issuer": "http://op.example"}, AddressRefused),
        ({"issuer": "ws://localhost"}, UsageError),
        ({"issuer": "https://op.example;script-src *"}, UsageError),
        ({"issuer": "https://OP.example"}, UsageError),
        ({"issuer": "nonsense"}, AddressRefused),
        ({"url": "http://phone.example"}, AddressRefused),
        ({"url": "https://phone.example/app"}, UsageError),
        ({"host": "no such host"}, UsageError),
    ],
)
async def test_an_address_that_cannot_be_is_refused(
    changes: dict[str, object], refusal: type[Exception]
) -> None:
    """Before anything is served."""
    with pytest.raises(refusal):
        await serve_web(wanted(**changes), around(Screen()))


async def test_nobody_else_is_localhost() -> None:
    """Browsers try [::1] first: the phone is there, too, whichever address the name stands for."""
    async with running() as said:
        address = said.splitlines()[0].removeprefix("The phone is at ")
        port = urlsplit(address).port
        async with httpx2.AsyncClient(verify=PLAIN, headers={"host": f"localhost:{port}"}) as other:
            for host in ("127.0.0.1", "[::1]"):
                told = await other.get(f"http://{host}:{port}/configuration.json")
                assert told.json() == {"issuer": ISSUER}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_that_is_taken_is_refused(host: str) -> None:
    """With a sentence that names it, on whichever of the addresses of ``localhost``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} of this machine cannot be opened"):
            await serve_web(wanted(port=port), around(Screen()))


def test_the_command_line_needs_an_issuer_only() -> None:
    """All else has a value that fits development."""
    options = new_parser({}).parse_args(["web", "--issuer", ISSUER])
    assert (options.port, options.host, options.url) == (8070, "127.0.0.1", None)
    assert not options.open
    assert not options.qr


async def test_a_machine_without_ipv6_has_one_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no [::1] nobody else can be there."""
    real = socket.create_server

    def create(address: tuple[str, int], **options: object) -> socket.socket:
        if address[0] == "::1":
            raise OSError
        return real(address, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_server", create)
    async with running() as said:
        assert said.startswith("The phone is at http://localhost:")


def test_a_free_port_is_free_on_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that somebody has on [::1] is passed over, and the search ends."""
    real, refused = socket.create_server, list[int]()

    def create(address: tuple[str, int], **options: object) -> socket.socket:
        if address[0] == "::1" and address[1] != 0 and len(refused) < most:
            refused.append(address[1])
            raise OSError
        return real(address, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_server", create)
    most = 1
    listeners = listen_on_localhost(0)
    ports = {each.getsockname()[1] for each in listeners}
    assert len(ports) == len(refused) == 1
    for each in listeners:
        each.close()
    most = 1_000
    with pytest.raises(UsageError, match="::1"):
        listen_on_localhost(0)
