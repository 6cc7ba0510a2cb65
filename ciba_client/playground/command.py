"""``ciba-client playground``: opens the ports, prints the address, and waits."""

import argparse
import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from ciba_client.listener import ListeningAddress, listening
from ciba_client.playground.clients import PlaygroundClient, load_clients
from ciba_client.playground.flows import Flows
from ciba_client.playground.switch import NotificationEndpoint
from ciba_client.playground.web.files import page_files
from ciba_client.playground.web.gate import Gate
from ciba_client.playground.web.site import playground_site
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.notifications.receiver import NotificationReceiver

__all__ = ["Playground", "add_playground_flags", "playground", "run_playground"]

_PORT: Final = 8060
_LARGEST_PORT: Final = 65535
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Playground:
    """A running one: ``address`` with the secret in its fragment opens the page."""

    address: str
    secret: str
    flows: Flows
    endpoint: NotificationEndpoint


def add_playground_flags(parser: argparse.ArgumentParser, listening_address: object) -> None:
    """Its flags; ``listening_address`` reads HOST:PORT."""
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="client.toml of a client; repeated: several clients",
    )
    parser.add_argument(
        "--login-hint", default="", metavar="HINT", help="whom the form of the page asks at first"
    )
    parser.add_argument(
        "--port", type=_port, default=_PORT, help=f"of the page, 0: a free one; default: {_PORT}"
    )
    parser.add_argument(
        "--listen",
        type=listening_address,  # type: ignore[arg-type]
        metavar="HOST:PORT",
        help="where notifications arrive; default: from the registered endpoints",
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _LARGEST_PORT):
        raise argparse.ArgumentTypeError("must be a port")
    return int(text)


async def run_playground(arguments: argparse.Namespace, clock: Clock, stderr: TextIO) -> None:
    """Serve until interrupted.

    Raises:
        UnusableInput: a configuration cannot be used, or a port cannot be opened.
    """

    def warn(text: str) -> None:
        stderr.write(f"ciba-client: warning: {text}\n")

    clients = load_clients(arguments.config, listen=arguments.listen, warn=warn)
    async with playground(
        clients, port=arguments.port, clock=clock, login_hint=arguments.login_hint
    ) as running:
        lines = [f"notifications: {each.host}:{each.port}" for each in _called_at(clients.values())]
        stderr.write("\n".join([*lines, f"playground:    {running.address}", ""]))
        stderr.flush()
        await asyncio.Event().wait()


@asynccontextmanager
async def playground(
    clients: Mapping[str, PlaygroundClient], *, port: int, clock: Clock, login_hint: str = ""
) -> AsyncIterator[Playground]:
    """Serve one on this computer until the end of the block; its form begins with ``login_hint``.

    Raises:
        UnusableInput: a port cannot be opened.
    """
    receiver, secret = NotificationReceiver(), secrets.token_urlsafe(_SECRET_BYTES)
    flows = Flows(clients, receiver=receiver, clock=clock)
    endpoint = NotificationEndpoint(receiver, notified=flows.notified, clock=clock)
    site = playground_site(
        page_files(),
        clients=clients,
        login_hint=login_hint,
        flows=flows,
        endpoint=endpoint,
        clock=clock,
    )
    async with AsyncExitStack() as stack:
        for address in _called_at(clients.values()):
            await stack.enter_async_context(listening(endpoint, address))
        gate = Gate(site, secret=secret)
        url = await stack.enter_async_context(listening(gate, ListeningAddress("127.0.0.1", port)))
        await stack.enter_async_context(flows.running())
        yield Playground(f"{url}/#{secret}", secret, flows, endpoint)


def _called_at(clients: Iterable[PlaygroundClient]) -> list[ListeningAddress]:
    """Each address once."""
    return list(dict.fromkeys(client.address for client in clients if client.address is not None))
