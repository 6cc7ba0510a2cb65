"""The process between owner and server, with servers that obey, that do not, and that just end."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ciba_service.stores.embedded import supervisor
from ciba_service.stores.embedded.supervisor import OCCUPIED, STARTED

# What a production start does, with a shorter patience.
SUPERVISE = """
import sys
from ciba_service.stores.embedded import supervisor
supervisor.GRACE_SECONDS = float(sys.argv[1])
supervisor._KILLED_SECONDS = min(supervisor._KILLED_SECONDS, 10 * supervisor.GRACE_SECONDS)
sys.exit(supervisor.main(sys.argv[2:]))
"""
# Says on a named pipe that it runs and what it was told; ends as its first argument says.
SERVER = """
import os, signal, sys
# Waited for, not handled: a handler may run too late where the wait begins after the signal.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
said = open(sys.argv[2], "w", buffering=1)
said.write(f"runs {os.getpid()}\\n")
if sys.argv[1].isdigit():
    sys.exit(int(sys.argv[1]))
while True:
    number = signal.sigwait({signal.SIGTERM})
    said.write(f"told {signal.Signals(number).name}\\n")
    if sys.argv[1] == "obeys":
        sys.exit(0)
"""
# Owns a supervisor and waits to be killed.
OWNER = """
import signal, subprocess, sys
subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)
signal.pause()
"""


class Place:
    """A data directory with a lock, and a server that tells what happens to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = directory / "redis.lock"
        self._pipe = directory / "said"
        os.mkfifo(self._pipe)
        # Open for both, so that neither side ever waits for the other to open it.
        self._said = os.fdopen(os.open(self._pipe, os.O_RDWR), "r")

    def close(self) -> None:
        """Stop listening."""
        self._said.close()

    def hear(self) -> str:
        """The next thing the server says."""
        return self._said.readline().rstrip("\n")

    def server(self, manner: str) -> list[str]:
        """A server that ``obeys``, ``ignores`` signals, or ends with a status."""
        # The directory is in the command line, as it is in that of a real server.
        return [sys.executable, "-c", SERVER, manner, str(self._pipe), str(self.directory)]

    def supervised(self, manner: str, grace: float = 30.0) -> list[str]:
        """A supervisor of such a server."""
        command = [sys.executable, "-c", SUPERVISE, str(grace)]
        return [*command, str(self.lock), str(self.directory), *self.server(manner)]

    def noted_pid(self) -> int:
        """The number of the server, as it stands in its lock."""
        return int(self.lock.read_text())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty data directory."""
    place = Place(tmp_path)
    yield place
    place.close()


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with pipes to it, and leave nothing of it."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """What a supervisor tells its owner."""
    assert process.stdout is not None
    return process.stdout.readline()


def close_pipe(process: subprocess.Popen[bytes]) -> None:
    """Do to a supervisor what the end of its owner does."""
    assert process.stdin is not None
    process.stdin.close()


def is_running(pid: int) -> bool:
    """Whether a process is there."""
    return Path(f"/proc/{pid}").exists()


def test_the_server_ends_when_its_owner_is_killed(place: Place):
    """Kill -9 leaves the owner no time to say anything; the server is told all the same."""
    with running([sys.executable, "-c", OWNER, *place.supervised("obeys")]) as owner:
        assert place.hear() == f"runs {place.noted_pid()}"
        owner.kill()
        owner.wait()
        assert place.hear() == "told SIGTERM"
        with place.lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Waits until neither holds it.


def test_an_owner_that_lets_go_ends_the_server(place: Place):
    """The end of the pipe is enough, and the status says that the server ended well."""
    with running(place.supervised("obeys")) as process:
        assert first_line(process) == STARTED
        assert place.hear() == f"runs {place.noted_pid()}"
        close_pipe(process)
        assert place.hear() == "told SIGTERM"
        assert process.wait() == 0
        assert not is_running(place.noted_pid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_supervisor_told_to_stop_tells_the_server(place: Place, number: signal.Signals):
    """Whatever the signal, the server is told once and waited for."""
    with running(place.supervised("obeys")) as process:
        assert first_line(process) == STARTED
        place.hear()
        process.send_signal(number)
        assert place.hear() == "told SIGTERM"
        assert process.wait() == 0


def test_a_server_that_does_not_stop_is_killed(place: Place):
    """It was told, it had its time, and it does not outlive its owner."""
    with running(place.supervised("ignores", grace=0.1)) as process:
        assert first_line(process) == STARTED
        place.hear()
        close_pipe(process)
        assert place.hear() == "told SIGTERM"
        assert process.wait() == 1
        assert not is_running(place.noted_pid())


@pytest.mark.parametrize(("status", "told"), [("0", 0), ("3", 1)])
def test_a_server_that_ends_ends_its_supervisor(place: Place, status: str, told: int):
    """The owner learns it by the end of the supervisor, and whether the server ended well."""
    with running(place.supervised(status)) as process:
        assert first_line(process) == STARTED
        assert process.wait() == told


def test_a_killed_supervisor_takes_its_server_along(place: Place):
    """On Linux the kernel tells the server."""
    with running(place.supervised("obeys")) as process:
        assert first_line(process) == STARTED
        place.hear()
        process.kill()
        assert place.hear() == "told SIGTERM"


def test_an_owner_that_does_not_listen_gets_its_server(place: Place):
    """A closed output is no reason to stop: the end of the input is."""
    with running(place.supervised("obeys")) as process:
        assert process.stdout is not None
        process.stdout.close()
        place.hear()
        close_pipe(process)
        assert process.wait() == 0


# --- A server that an earlier owner left behind ---


@contextlib.contextmanager
def leftover(place: Place, command: list[str]) -> Iterator[int]:
    """A server without a supervisor, which holds the lock."""
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    server = subprocess.Popen(command, pass_fds=(lock,))  # noqa: S603
    try:
        os.pwrite(lock, b"%d\n" % server.pid, 0)
        os.close(lock)
        yield server.pid
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize(("manner", "grace"), [("obeys", 30.0), ("ignores", 2.0)])
def test_an_earlier_server_is_ended_first(place: Place, manner: str, grace: float):
    """Told first and killed if need be: there are never two servers on the same files."""
    with leftover(place, place.server(manner)) as earlier:
        assert place.hear() == f"runs {earlier}"
        with running(place.supervised("obeys", grace)) as process:
            assert place.hear() == "told SIGTERM"
            assert first_line(process) == STARTED
            assert place.hear() == f"runs {place.noted_pid()}"
            assert place.noted_pid() != earlier
            close_pipe(process)
            assert process.wait() == 0


def test_a_process_that_is_not_ours_is_left_alone(place: Place):
    """A number in the lock proves nothing: without the directory in its command line it stays."""
    with leftover(place, [sys.executable, "-c", SERVER, "obeys", "/dev/null"]) as stranger:
        with running(place.supervised("obeys", grace=0.1)) as process:
            assert first_line(process) == OCCUPIED
            assert process.wait() == 1
        assert is_running(stranger)


def test_an_owner_that_leaves_meanwhile_gets_no_server(place: Place):
    """Whoever waited for the earlier server to end has gone: nothing is started for nobody."""
    with leftover(place, place.server("ignores")) as earlier:
        assert place.hear() == f"runs {earlier}"
        with running(place.supervised("obeys")) as process:
            assert place.hear() == "told SIGTERM"
            close_pipe(process)
            assert first_line(process) == OCCUPIED
            assert process.wait() == 1
        assert place.noted_pid() == earlier


def test_a_command_line_is_found_or_empty():
    """Of a process that is there it names the program; of one that is not it says nothing."""
    assert Path(sys.executable).name in supervisor._command_line(os.getpid())
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert supervisor._command_line(ended.pid).strip() == ""
