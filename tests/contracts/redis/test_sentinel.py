"""Stores behind Sentinel: the master is asked for by its name, and a failover may cost writes."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ciba_service.cli import main
from ciba_service.commands.opening import opened_store, system_surroundings
from ciba_service.commands.serving.serve import tell_risks
from ciba_service.ports import StoreUnavailable
from ciba_service.protocol.transaction.state import State
from ciba_service.settings import StoreSettings, parse_settings
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import (
    UnsuitableRedis,
    check_server,
    connect,
    demands_replicas,
    disconnect,
    server_time_ms,
)
from ciba_service.stores.driver.target import Address, RedisMode, RedisTarget
from tests.contracts.store_builders import (
    START,
    TRANSACTION,
    new_transaction,
    stores_at,
    stores_over,
)
from tests.ports import free_port
from tests.redis.replicated import AT_ONCE, follow
from tests.redis.servers import REDIS_SERVER, ServerKind, _ask, _until, cluster_node, redis_server
from tests.services.recording_telemetry import RecordingTelemetry

ASKER, SECRET = "asker", "asker-secret"
# Nobody but a user with the rights that the documentation names may ask anything.
CLOSED = ("user default off", f"user {ASKER} on >{SECRET} -@all +sentinel|masters")


@contextmanager
def sentinel_of(master: RedisTarget, *settings: str) -> Iterator[RedisTarget]:
    """One sentinel that watches a master, with further settings."""
    with tempfile.TemporaryDirectory(prefix="ciba-test-") as directory:
        (address,) = master.addresses
        port = free_port()
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor bank {address.host} {address.port} 1",
            *settings,
        ]
        configuration = Path(directory, "sentinel.conf")
        configuration.write_text("\n".join([*lines, ""]), "ascii")
        watching = subprocess.Popen(  # noqa: S603  (the command is written here)
            [str(REDIS_SERVER), str(configuration), "--sentinel"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            known = ("bank", "-NOAUTH")
            _until(lambda: any(word in _ask(port, "SENTINEL MASTERS") for word in known), watching)
            yield RedisTarget(
                mode=RedisMode.SENTINEL,
                addresses=(Address("127.0.0.1", port),),
                master_name="bank",
            )
        finally:
            watching.kill()
            watching.wait()


@pytest.fixture(scope="module")
def master() -> Iterator[RedisTarget]:
    """A master that writes whatever its replicas do."""
    with redis_server() as target:
        yield target


@pytest.fixture(scope="module")
def sentinel(master: RedisTarget) -> Iterator[RedisTarget]:
    """A sentinel that watches it."""
    with sentinel_of(master) as target:
        yield target


@pytest.fixture(scope="module")
def closed_sentinel(master: RedisTarget) -> Iterator[RedisTarget]:
    """Another one, which wants to know who asks."""
    with sentinel_of(master, *CLOSED) as target:
        yield target


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


async def test_a_replica_is_not_read_for_the_master():
    """As which an old master is back before Sentinel names the new one: it knows less."""
    with redis_server() as server, sentinel_of(server) as target:
        port = server.addresses[0].port
        async with stores_at(target) as stores:
            await stores.transactions.create(new_transaction(), operation="create")
        _ask(port, f"REPLICAOF 127.0.0.1 {free_port()}")
        commands = Commands(connect(target))
        stores = stores_over(commands, deadline_ms=500)
        with pytest.raises(StoreUnavailable):
            await stores.transactions.read(TRANSACTION, now=START)
        _ask(port, "REPLICAOF NO ONE")
        assert await stores.transactions.read(TRANSACTION, now=START) is not None
        await commands.aclose()


async def test_sentinels_may_have_users_of_their_own(closed_sentinel: RedisTarget):
    """They are told the user that the settings name for them, and the master is not."""
    (address,) = closed_sentinel.addresses
    settings = StoreSettings(
        url=f"redis://{address.host}:{address.port}",
        mode="sentinel",
        master_name="bank",
        sentinel_username=ASKER,
        sentinel_password=SECRET,
    )
    client = connect(settings.target())
    await check_server(client)
    assert await server_time_ms(client) > 1_700_000_000_000
    await disconnect(client)


@pytest.mark.parametrize(("username", "password"), [(None, None), (ASKER, "another-secret")])
async def test_sentinels_that_refuse_the_user_are_told_apart(
    closed_sentinel: RedisTarget, username: str | None, password: str | None
):
    """The start stops with the keys to mend, not with a master that cannot be found."""
    target = replace(closed_sentinel, sentinel_username=username, sentinel_password=password)
    client = connect(target)
    with pytest.raises(
        UnsuitableRedis, match=r"sentinel_username and store\.sentinel_pass"
    ) as raised:
        await check_server(client)
    assert "another-secret" not in str(raised.value)
    await disconnect(client)


# --- Writes that a failover may lose ---


@pytest.mark.parametrize("kind", list(ServerKind))
async def test_no_server_demands_replicas_by_itself(
    server_of_kind: Callable[[ServerKind], RedisTarget], kind: ServerKind
):
    """Whoever wants it must have said so."""
    client = connect(server_of_kind(kind))
    assert not await demands_replicas(client)
    await disconnect(client)


@pytest.mark.parametrize(("lag", "expected"), [("10", True), ("0", False)])
async def test_a_master_that_demands_replicas_says_so(lag: str, *, expected: bool):
    """To a user who may not read the configuration, too; a lag of 0 switches the demand off."""
    app = ["--user", "app", "on", ">secret", "~*", "&*", "+@all", "-config"]
    demand = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", lag)
    with redis_server(*app, *demand) as target:
        client = connect(replace(target, username="app", password="secret"))
        assert await demands_replicas(client) is expected
        await disconnect(client)


def checked(
    directory: Path, target: RedisTarget, capsys: pytest.CaptureFixture[str], **keys: int
) -> list[str]:
    """What ``check`` warns of with this store, a line each."""
    (address,) = target.addresses
    store = {
        "data_directory": str(directory / "var"),
        "url": f"redis://{address.host}:{address.port}",
        "mode": target.mode.value,
        **keys,
    }
    if target.master_name is not None:
        store["master_name"] = target.master_name
    lines = ["[server]", 'issuer = "http://127.0.0.1:8080"', "[store]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in store.items()]
    config = directory / "ciba.toml"
    config.write_text("\n".join(lines))
    assert main(["check", "--config", str(config)]) == 0
    said = capsys.readouterr()
    assert said.out == "configuration, keys and store are good\n"
    return said.err.splitlines()


def test_check_warns_of_a_failover_that_may_lose_writes(
    tmp_path: Path,
    sentinel: RedisTarget,
    master: RedisTarget,
    capsys: pytest.CaptureFixture[str],
):
    """On standard error and with status 0, behind Sentinel and in a cluster; else not a word."""
    with cluster_node() as cluster:
        for target in (sentinel, cluster):
            first, second = checked(tmp_path, target, capsys)
            assert first.startswith("warning: min-replicas-to-write is 0: ")
            assert second.startswith("warning: store.wait_for_replicas is 0: ")
    assert checked(tmp_path, master, capsys) == []
    with redis_server("--min-replicas-to-write", "1") as safe, sentinel_of(safe) as target:
        (line,) = checked(tmp_path, target, capsys)
        assert line.startswith("warning: store.wait_for_replicas is 0: ")


async def test_a_start_tells_what_check_would(master: RedisTarget):
    """In the log, as events of their own; a single server without replicas is no risk."""
    url = f"redis://127.0.0.1:{master.addresses[0].port}"
    for wanted, told in ((0, []), (1, ["store.wait_for_replicas is 1, and 0 are connected"])):
        text = f"[server]\nissuer = 'http://127.0.0.1:8080'\n[store]\nurl = '{url}'\n"
        settings = parse_settings(f"{text}wait_for_replicas = {wanted}\n", {})
        log = RecordingTelemetry()
        surroundings = replace(system_surroundings(), telemetry=log)
        async with opened_store(settings, own=True) as store:
            await tell_risks(settings, store, surroundings)
        assert [each.name for each in log.events] == ["store_at_risk"] * len(told)
        warnings = [each.fields["warning"].partition(":")[0] for each in log.events]
        assert warnings == told


def test_check_counts_the_replicas_that_are_to_be_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Of a single master, too: fewer than wanted are told of, and with enough there is no word."""
    demand = ("--min-replicas-to-write", "1")
    with redis_server(*AT_ONCE, *demand) as master, redis_server(*AT_ONCE) as replica:
        (line,) = checked(tmp_path, master, capsys, wait_for_replicas=1)
        assert line == (
            "warning: store.wait_for_replicas is 1, and 0 are connected: nothing will be decided "
            "or redeemed, every attempt is answered 503"
        )
        follow(replica, master.addresses[0].port)
        own = master.addresses[0].port
        _until(lambda: "state=online" in _ask(own, "INFO replication"))
        assert checked(tmp_path, master, capsys, wait_for_replicas=1) == []
        (line,) = checked(tmp_path, master, capsys)
        assert line.startswith("warning: store.wait_for_replicas is 0: ")
        assert len(checked(tmp_path, master, capsys, wait_for_replicas=2)) == 1
