"""Fixtures of the running service, shared by journeys and conformance tests."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from ciba_service.stores.driver.target import RedisTarget
from tests.redis.servers import embedded_server, flush_all
from tests.services.running_service import RunningService, running_service
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key

ServiceRunner = Callable[..., AbstractAsyncContextManager[RunningService]]


@pytest.fixture(scope="session")
def embedded_target() -> Iterator[RedisTarget]:
    """One embedded server a worker."""
    with embedded_server() as target:
        yield target


@pytest.fixture(scope="session")
def till() -> WireClient:
    """A client that signs its requests with ES256."""
    return WireClient("till")


@pytest.fixture(scope="session")
def other_till() -> WireClient:
    """Another client, to get in the way of the first."""
    return WireClient("other-till", key=new_key(kid="other-key"))


@pytest.fixture
async def run_service(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory
) -> ServiceRunner:
    """Run a service of one's own configuration on an empty store."""
    await flush_all(embedded_target)
    directory: Path = tmp_path_factory.getbasetemp() / "keys"
    return partial(running_service, embedded_target, directory)


@pytest.fixture
async def service(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """The service as most tests want it: two clients, Alice and Bob, no phones yet."""
    async with run_service(clients=[till, other_till]) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def phone(service: RunningService) -> WirePhone:
    """Alice's phone."""
    return await service.enrolled_phone("alice")
