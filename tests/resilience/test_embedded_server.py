"""The private server: one owner, no orphan whoever is killed, and never a lost write."""

import asyncio
import fcntl
import json
import logging
import os
import pwd
import signal
import stat
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ciba_service.log_lines import JsonLines
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import check_server, connect
from ciba_service.stores.driver.run import run
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.embedded.binary import (
    NoServerProgram,
    ServerProgram,
    ServerVersion,
    packaged_program,
)
from ciba_service.stores.embedded.keeper import LISTPACK_VALUE
from ciba_service.stores.embedded.server import (
    DataDirectoryInUse,
    EmbeddedServer,
    EmbeddedServerFailed,
    open_embedded,
)
from tests.redis.servers import REDIS_SERVER

OWNER = Path(__file__).with_name("embedded_owner.py")


class WallClock:
    """Time as it is."""

    def now_ms(self) -> int:
        """Unused here."""
        return 0

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data directory that does not exist yet, with characters that need care."""
    return tmp_path / "data of o'brien"


async def call(socket_path: str, *command: str) -> object:
    """Run one command, waiting for a server that is being restarted."""
    commands = Commands(connect(RedisTarget(unix_socket=socket_path)))
    try:
        return await run(lambda: commands.call(*command), deadline_ms=15_000, clock=WallClock())
    finally:
        await commands.aclose()


def server_pid(data_dir: Path) -> int:
    """The server's number, as it notes it in the lock it holds."""
    return int((data_dir / "redis.lock").read_text())


def parent_pid(pid: int) -> int:
    """The supervisor of a server."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def gone(pid: int) -> None:
    """Wait until a process that need not be our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(20):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def mode(path: Path | str) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(Path(path).stat().st_mode)


def written(data_dir: Path) -> list[Path]:
    """What the server has written."""
    return list(data_dir.rglob("append*"))


def open_files(data_dir: Path) -> set[str]:
    """What in the directory itself others could open."""
    return {path.name for path in data_dir.iterdir() if mode(path) & 0o077}


def make_place_of_keys(keys: Path, data_dir: Path) -> None:
    """Do what making keys does, under a umask that lets the group write."""
    keys.mkdir(parents=True)
    (keys / "making.lock").touch()
    data_dir.chmod(0o775)
    (data_dir / "lost+found").mkdir()


def is_running(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@asynccontextmanager
async def owner_process(data_dir: Path, role: str = "serve") -> AsyncIterator[tuple[Process, str]]:
    """Run another process that owns the data directory, and give its socket."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(OWNER), str(data_dir), role, stdin=PIPE, stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode().rstrip("\n")
        assert line
        yield process, line
    finally:
        if process.returncode is None:
            await process.communicate(b"")


async def test_what_was_written_is_there_after_a_restart(data_dir: Path):
    """Closing and opening again keeps every write."""
    async with await open_embedded(data_dir, own=True) as server:
        await call(server.socket_path, "SET", "k", "v")
    async with await open_embedded(data_dir, own=True) as server:
        assert await call(server.socket_path, "GET", "k") == b"v"


@pytest.mark.parametrize("program", [REDIS_SERVER, packaged_program()], ids=["debian", "wheel"])
async def test_the_server_is_private_durable_and_fit(data_dir: Path, program: Path):
    """No network, no other user, every write on disk before its answer, and nothing evicted."""
    async with await open_embedded(data_dir, own=True, program=program) as server:
        assert mode(data_dir) == 0o700
        assert mode(server.socket_path) == 0o700
        client = connect(RedisTarget(unix_socket=server.socket_path))
        await check_server(client)
        settings = await client.config_get("port", "appendonly", "appendfsync")
        packed = await client.config_get("hash-max-listpack-value")
        await client.aclose()
        assert settings == {"port": "0", "appendonly": "yes", "appendfsync": "always"}
        assert packed == {"hash-max-listpack-value": str(LISTPACK_VALUE)}
    assert all(mode(path) & 0o077 == 0 for path in written(data_dir))


async def test_a_directory_made_by_others_keeps_its_mode(data_dir: Path):
    """An empty one is used as it is: whatever is written there is closed to others on its own."""
    os.mkdir(data_dir, 0o755)  # noqa: PTH102
    for _ in range(2):
        async with await open_embedded(data_dir) as server:
            await call(server.socket_path, "SET", "k", "v")
            assert mode(server.socket_path) == 0o700
        assert mode(data_dir) == 0o755
    assert open_files(data_dir) <= {"redis.version"}


@pytest.mark.parametrize("used_before", [False, True])
def test_a_directory_that_others_may_write_to_is_refused(data_dir: Path, *, used_before: bool):
    """Whoever can replace the files there owns the data; the sentence says what to do."""
    data_dir.mkdir()
    if used_before:
        (data_dir / "owner.lock").touch()
    data_dir.chmod(0o770)
    with pytest.raises(EmbeddedServerFailed, match=r"Others may write .* \(chmod 700\)"):
        asyncio.run(open_embedded(data_dir))
    assert mode(data_dir) == 0o770


@pytest.mark.parametrize("is_known", [True, False])
def test_a_directory_of_another_user_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
):
    """Who runs a command as somebody else learns as whom it is to be run."""
    data_dir.mkdir(mode=0o700)
    ours = os.geteuid()
    owner = pwd.getpwuid(ours).pw_name
    if not is_known:
        monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
        owner = f"uid {ours}"
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with pytest.raises(EmbeddedServerFailed, match=f"belongs to {owner}: run this as that user"):
        asyncio.run(open_embedded(data_dir))


@pytest.mark.parametrize("keys", ["keys", "elsewhere", "."])
async def test_a_directory_made_for_the_keys_becomes_that_of_the_data(data_dir: Path, keys: str):
    """Keys are made first, wherever they are kept; what the umask left open then is closed."""
    make_place_of_keys(data_dir / keys, data_dir)
    async with await open_embedded(data_dir):
        assert mode(data_dir) == 0o700


def test_a_directory_of_others_is_left_alone(data_dir: Path):
    """Where other files are, nothing is written and nobody is locked out."""
    data_dir.mkdir(mode=0o755)
    data_dir.joinpath("letters.txt").touch()
    with pytest.raises(EmbeddedServerFailed, match="holds other files"):
        asyncio.run(open_embedded(data_dir))
    assert [path.name for path in data_dir.iterdir()] == ["letters.txt"]
    assert mode(data_dir) == 0o755


async def test_closing_ends_server_and_supervisor(data_dir: Path):
    """Nothing is left running, and the directory is free."""
    server = await open_embedded(data_dir, own=True)
    pid = server_pid(data_dir)
    supervisor = parent_pid(pid)
    await server.aclose()
    assert not is_running(pid)
    assert not is_running(supervisor)
    assert "redis.sock" not in os.listdir(data_dir)  # noqa: PTH208


async def test_a_second_owner_is_refused_by_name(data_dir: Path):
    """Two services in one data directory are impossible, and the message names the first."""
    async with owner_process(data_dir) as (owner, _):
        with pytest.raises(DataDirectoryInUse, match=str(owner.pid)) as raised:
            await open_embedded(data_dir, own=True)
        assert raised.value.pid == owner.pid


async def test_a_command_uses_the_server_of_a_serving_process(data_dir: Path):
    """It sees the same data, owns nothing, and leaves the server running."""
    async with owner_process(data_dir) as (_, socket_path):
        await call(socket_path, "SET", "k", "v")
        async with await open_embedded(data_dir) as server:
            assert not server.owned
            assert await call(server.socket_path, "GET", "k") == b"v"
        assert await call(socket_path, "GET", "k") == b"v"


async def test_commands_wait_for_each_other(data_dir: Path):
    """Several at once, with nobody serving, each get their turn and see what the others wrote."""

    async def add(member: str) -> None:
        async with await open_embedded(data_dir) as server:
            assert server.owned
            await call(server.socket_path, "SADD", "s", member)

    await asyncio.gather(*(add(member) for member in "abc"))
    async with await open_embedded(data_dir) as server:
        assert await call(server.socket_path, "SCARD", "s") == 3


async def test_serving_waits_for_a_command_to_end(data_dir: Path):
    """A command that is just running does not keep the service from starting."""
    async with owner_process(data_dir, "command") as (command, _):
        opening = asyncio.create_task(open_embedded(data_dir, own=True))
        await asyncio.wait({opening}, timeout=0.2)
        assert not opening.done()
        await command.communicate(b"")
        async with await opening as server:
            assert server.owned


async def test_waiting_for_a_command_has_an_end(data_dir: Path):
    """Patience runs out with a clear error, not with a second server."""
    async with owner_process(data_dir, "command"):
        with pytest.raises(DataDirectoryInUse):
            await open_embedded(data_dir, patience=0.1)


async def test_a_killed_owner_leaves_no_orphan_and_loses_nothing(data_dir: Path):
    """After kill -9 server and supervisor end by themselves, and the last write is there."""
    async with owner_process(data_dir) as (owner, socket_path):
        await call(socket_path, "SET", "k", "last")
        pid = server_pid(data_dir)
        supervisor = parent_pid(pid)
        owner.kill()
        await asyncio.gather(gone(pid), gone(supervisor), owner.communicate(b""))
    async with await open_embedded(data_dir, own=True) as server:
        assert await call(server.socket_path, "GET", "k") == b"last"


async def test_a_restart_at_once_waits_for_the_old_server(data_dir: Path):
    """There are never two servers on the same files, however quickly the next owner comes."""
    async with owner_process(data_dir) as (owner, socket_path):
        await call(socket_path, "SET", "k", "last")
        pid = server_pid(data_dir)
        owner.kill()
        async with await open_embedded(data_dir, own=True) as server:
            assert not is_running(pid)
            assert server_pid(data_dir) != pid
            assert await call(server.socket_path, "GET", "k") == b"last"
        await owner.communicate(b"")


async def test_a_server_that_dies_is_started_anew(data_dir: Path):
    """Twice killed, twice back, with everything that was written."""
    async with await open_embedded(data_dir, own=True) as server:
        for number in "12":
            await call(server.socket_path, "SADD", "s", number)
            pid = server_pid(data_dir)
            os.kill(pid, signal.SIGKILL)
            await gone(pid)
        assert await call(server.socket_path, "SCARD", "s") == 2
        assert is_running(server_pid(data_dir))


async def test_a_server_that_does_not_come_back_is_in_the_log_with_its_reason(data_dir: Path):
    """Each attempt is logged as fields, and as soon as it can the server is back."""
    refused = asyncio.Queue[str]()
    formatted = logging.Handler()
    formatted.setFormatter(JsonLines())
    formatted.emit = lambda record: refused.put_nowait(formatted.format(record))  # type: ignore[method-assign]
    log = logging.getLogger("ciba_service.stores.embedded.keeper")
    log.addHandler(formatted)
    try:
        async with await open_embedded(data_dir, own=True) as server:
            (manifest,) = (data_dir / "appendonlydir").glob("*.manifest")
            good = manifest.read_text()
            manifest.write_text("nonsense\n")
            os.kill(server_pid(data_dir), signal.SIGKILL)
            assert json.loads(await refused.get())["event"] == "embedded_server_died"
            line = json.loads(await refused.get())
            assert line["event"] == "embedded_server_not_started"
            assert "Invalid AOF manifest" in line["reason"]
            manifest.write_text(good)
            assert await call(server.socket_path, "EXISTS", "k") == 0
    finally:
        log.removeHandler(formatted)


async def test_a_supervisor_that_dies_is_replaced_together_with_its_server(data_dir: Path):
    """The unsupervised server ends before the next one starts."""
    async with await open_embedded(data_dir, own=True) as server:
        await call(server.socket_path, "SET", "k", "v")
        pid = server_pid(data_dir)
        os.kill(parent_pid(pid), signal.SIGKILL)
        await gone(pid)
        assert await call(server.socket_path, "GET", "k") == b"v"
        assert server_pid(data_dir) != pid


async def test_owner_and_supervisor_killed_together_leave_a_usable_directory(data_dir: Path):
    """Whatever of the server is left is ended by the next owner."""
    async with owner_process(data_dir) as (owner, socket_path):
        await call(socket_path, "SET", "k", "last")
        pid = server_pid(data_dir)
        os.kill(parent_pid(pid), signal.SIGKILL)
        owner.kill()
        async with await open_embedded(data_dir, own=True) as server:
            assert not is_running(pid)
            assert await call(server.socket_path, "GET", "k") == b"last"
        await owner.communicate(b"")


async def test_a_leftover_server_is_ended_by_its_lock(data_dir: Path):
    """Where no kernel ended it with its supervisor, the next owner finds it and ends it."""
    os.mkdir(data_dir, 0o700)  # noqa: PTH102
    lock = os.open(data_dir / "redis.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command = [REDIS_SERVER, "--port", "0", "--unixsocket", "leftover.sock", "--dir", str(data_dir)]
    command += ["--set-proc-title", "no"]
    leftover = subprocess.Popen(command, pass_fds=(lock,), stdout=subprocess.DEVNULL)  # noqa: S603, ASYNC220
    try:
        os.pwrite(lock, b"%d\n" % leftover.pid, 0)
        os.close(lock)
        async with await open_embedded(data_dir, own=True):
            assert leftover.wait() == 0
    finally:
        leftover.kill()
        leftover.wait()


async def test_a_long_path_gets_its_socket_elsewhere(tmp_path: Path):
    """Unix sockets have short names; the place is private, remembered, and found by commands."""
    data_dir = tmp_path / ("long" * 30)
    async with await open_embedded(data_dir, own=True) as server:
        assert len(server.socket_path) < 100
        assert mode(Path(server.socket_path).parent) == 0o700
        async with await open_embedded(data_dir) as joined:
            assert joined == EmbeddedServer(server.socket_path)
    async with await open_embedded(data_dir, own=True) as again:
        assert again.socket_path == server.socket_path


async def test_a_server_that_cannot_read_its_data_says_why(data_dir: Path):
    """The failure carries the server's own words, and the directory is free again."""
    async with await open_embedded(data_dir, own=True):
        pass
    (manifest,) = (data_dir / "appendonlydir").glob("*.manifest")
    manifest.write_text("nonsense\n")
    for _ in range(2):
        with pytest.raises(EmbeddedServerFailed, match="Invalid AOF manifest"):
            await open_embedded(data_dir, own=True)


async def test_data_of_a_later_version_is_not_touched(data_dir: Path):
    """The sentence names both versions, and the directory is free again."""
    os.mkdir(data_dir, 0o700)  # noqa: PTH102
    (data_dir / "redis.version").write_text("valkey 99.0\n")
    for _ in range(2):
        with pytest.raises(NoServerProgram, match=r"written by valkey 99\.0"):
            await open_embedded(data_dir, own=True)
    assert not (data_dir / "appendonlydir").exists()


@pytest.mark.parametrize(
    ("reader", "writer", "reads"),
    [
        ("redis 7.0", "redis 7.0", True),
        ("redis 7.2", "redis 7.0", True),
        ("redis 7.0", "redis 7.2", False),
        ("valkey 9.1", "redis 7.2", True),
        ("valkey 9.1", "redis 7.4", False),
        ("redis 8.0", "valkey 8.0", False),
    ],
)
def test_who_reads_whose_files(reader: str, writer: str, reads: object):
    """Later versions read earlier ones; Valkey reads Redis up to where they parted."""
    program, other = ServerVersion.parse(reader), ServerVersion.parse(writer)
    assert program is not None
    assert other is not None
    assert program.reads(other) is reads
    assert str(program) == reader


@pytest.mark.parametrize("path", ["/nonexistent", "/bin/true"])
def test_a_program_that_is_no_server_is_refused(path: str):
    """A wrong path is a clear sentence."""
    with pytest.raises(NoServerProgram, match=path):
        ServerProgram.at(Path(path))
