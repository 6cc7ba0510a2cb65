"""Every store is tested on each kind of server, and leaves no key behind that never expires."""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest

from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import PERSISTENT_KEYS
from tests.contracts.store_builders import Stores, stores_over
from tests.redis.servers import ServerKind, flush_all, keys_without_ttl, running

_PERSISTENT = re.compile("|".join(f"(?:{pattern})" for pattern in PERSISTENT_KEYS))


@pytest.fixture(scope="session")
def server_of_kind() -> Iterator[Callable[[ServerKind], RedisTarget]]:
    """Start each kind of server when it is first asked for."""
    targets: dict[ServerKind, RedisTarget] = {}
    with ExitStack() as stack:

        def target(kind: ServerKind) -> RedisTarget:
            if kind not in targets:
                targets[kind] = stack.enter_context(running(kind))
            return targets[kind]

        yield target


@pytest.fixture(params=list(ServerKind))
async def redis_target(
    request: pytest.FixtureRequest, server_of_kind: Callable[[ServerKind], RedisTarget]
) -> AsyncIterator[RedisTarget]:
    """An empty server of each kind; afterwards every key has a TTL or is on the list."""
    target = server_of_kind(request.param)
    await flush_all(target)
    yield target
    lasting = await keys_without_ttl(target)
    leaked = [key for key in lasting if not _PERSISTENT.fullmatch(key)]
    assert not leaked, f"keys without a TTL: {leaked}"


@pytest.fixture
async def commands(redis_target: RedisTarget) -> AsyncIterator[Commands]:
    """The way to that server."""
    commands = Commands(connect(redis_target))
    yield commands
    await commands.aclose()


@pytest.fixture
def stores(commands: Commands) -> Stores:
    """Every store on that server."""
    return stores_over(commands)
