"""A small process between the service and its private server, so that neither outlives the other.

It is run as a file, with the standard library alone, and lives in a session of its own. Its
standard input is a pipe that only the owner holds open: its end means that the owner has gone,
however it went, and the server is told to finish. The server inherits the descriptor of a locked
file and so holds that lock exactly as long as it lives: whoever gets the lock knows that no other
server writes to these files, even after this process was killed. On Linux the kernel also ends
the server when this process dies; elsewhere the next owner finds it by the lock and ends it.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["GRACE_SECONDS", "OCCUPIED", "STARTED", "main"]

GRACE_SECONDS = 10.0
"""How long a server may take to finish before it is killed."""

STARTED = b"started\n"
OCCUPIED = b"occupied\n"

_KILLED_SECONDS = 5.0
_TICK_SECONDS = 0.02
_STDIN, _STDOUT = 0, 1
_PR_SET_PDEATHSIG = 1
_STOPPING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def _owner_is_gone(wait: float) -> bool:
    """Wait for the owner's end, at most ``wait`` seconds."""
    readable, _, _ = select.select([_STDIN], [], [], wait)
    return bool(readable) and not os.read(_STDIN, 1)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command_line(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        pass
    with contextlib.suppress(OSError):
        answer = subprocess.run(  # noqa: S603
            ["ps", "-ww", "-o", "args=", "-p", str(pid)],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout
    return ""


def _signal_leftover(lock: int, data_dir: str, number: signal.Signals) -> None:
    """Signal the server that holds the lock, once its command line proves that it is ours."""
    text = os.pread(lock, 32, 0).strip()
    if text.isdigit() and data_dir in _command_line(int(text)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(text), number)


def _lock_after_leftover(lock: int, data_dir: str) -> bool:
    """Take the lock, ending an earlier owner's server first; False when that did not succeed."""
    if _try_lock(lock):
        return True
    for number, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, _KILLED_SECONDS)):
        _signal_leftover(lock, data_dir, number)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if _owner_is_gone(_TICK_SECONDS):
                return False
            if _try_lock(lock):
                return True
    return False


def _in_the_server(lock: int) -> Callable[[], None]:
    """Prepare what runs in the new process before it becomes the server."""
    import ctypes  # noqa: PLC0415 - the owner reads this file, too, and has no use for it

    parent = os.getpid()
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)

    return prepare


def _end_with_owner(server: subprocess.Popen[bytes]) -> None:
    while not _owner_is_gone(3600):
        pass
    server.terminate()
    time.sleep(GRACE_SECONDS)
    server.kill()


def _end_when_told(server: subprocess.Popen[bytes]) -> None:
    while True:
        signal.sigwait(_STOPPING)
        server.terminate()


def _tell_owner(line: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(_STDOUT, line)


def main(arguments: Sequence[str]) -> int:
    """Run ``<lock file> <data directory> <server> <its arguments>`` until either side ends."""
    lock_file, data_dir, *command = arguments
    os.umask(0o077)
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if not _lock_after_leftover(lock, data_dir):
        _tell_owner(OCCUPIED)
        return 1
    server = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(lock,),
        preexec_fn=_in_the_server(lock),  # noqa: PLW1509  (there are no threads yet)
    )
    # Not handlers: a signal just before the wait below would be noticed when it is over. The
    # server was started before, so that it blocks none.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    for target in (_end_with_owner, _end_when_told):
        threading.Thread(target=target, args=(server,), daemon=True).start()
    _tell_owner(STARTED)
    return 0 if server.wait() == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
