"""Stores behind Sentinel: the master is asked for by its name."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ciba_service.protocol.transaction.state import State
from ciba_service.stores.driver.connection import check_server, connect, disconnect, server_time_ms
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from tests.contracts.store_builders import START, TRANSACTION, new_transaction, stores_at
from tests.redis_servers import REDIS_SERVER, _ask, _free_port, _until, redis_server


@pytest.fixture(scope="module")
def sentinel() -> Iterator[RedisTarget]:
    """A master and one sentinel that watches it."""
    with redis_server() as master, tempfile.TemporaryDirectory(prefix="ciba-test-") as directory:
        (address,) = master.addresses
        port = _free_port()
        configuration = Path(directory, "sentinel.conf")
        configuration.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor bank {address.host} {address.port} 1\n",
            "ascii",
        )
        watching = subprocess.Popen(  # noqa: S603  (the command is written here)
            [str(REDIS_SERVER), str(configuration), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            _until(lambda: "bank" in _ask(port, "SENTINEL MASTERS"), watching)
            yield RedisTarget(
                mode=RedisMode.SENTINEL,
                addresses=(Address("127.0.0.1", port),),
                master_name="bank",
            )
        finally:
            watching.kill()
            watching.wait()


async def test_the_master_is_found_by_its_name(sentinel: RedisTarget):
    """Checking, telling the time, writing and reading go to the master."""
    client = connect(sentinel)
    await check_server(client)
    assert await server_time_ms(client) > 1_700_000_000_000
    await disconnect(client)
    async with stores_at(sentinel) as stores:
        await stores.transactions.create(new_transaction(), operation="create")
        found = await stores.transactions.read(TRANSACTION, now=START)
        assert found is not None
        assert found.state is State.PENDING
