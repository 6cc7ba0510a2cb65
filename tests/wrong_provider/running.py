"""The provider on a port of this machine, with the clients that a test wants."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from tests.services.asgi_server import serving
from tests.wrong_provider.application import application
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.provider import Client, Provider, TimeSource, User

__all__ = ["ALICE", "running_provider"]

ALICE = User("alice", ("alice@example.org",), user_code="4711")


@asynccontextmanager
async def running_provider(
    clients: Iterable[Client],
    time: TimeSource,
    faults: Iterable[Fault] = (),
) -> AsyncIterator[Provider]:
    """Serve it until the end of the block; Alice is the one user."""
    known = {client.client_id: client for client in clients}
    provider = Provider("", known, [ALICE], time, frozenset(faults))
    async with serving(application(provider)) as url:
        provider.issuer = url
        yield provider
