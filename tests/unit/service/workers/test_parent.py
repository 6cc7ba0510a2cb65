"""The parent of workers: who is started, replaced and given up, with programs that do no more."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.bound_addresses import BoundAddresses
from ciba_service.commands.workers.parent import Pace, Workers
from ciba_service.listening.listeners import bound_socket
from tests.services.recording_telemetry import RecordingTelemetry

PACE: Final = Pace(first_pause=0.001, longest_pause=0.002, start=10, attempts=3)
PRELUDE: Final = """
import os, signal, socket, sys, time
number, channel, addresses = sys.argv[1:]
parent = socket.socket(fileno=int(channel))
def document():
    length = int.from_bytes(parent.recv(4, socket.MSG_WAITALL))
    return parent.recv(length, socket.MSG_WAITALL).decode() if length else None
def note(text):
    with open("noted", "a") as notes:
        notes.write(f"{number} {text}\\n")
"""
SERVES: Final = """
def left(*_):
    note("left")
    sys.exit(0)
signal.signal(signal.SIGTERM, left)
note(document())
parent.send(b"R")
while (more := document()) is not None:
    note(more)
"""
DEAF: Final = """
signal.signal(signal.SIGTERM, lambda *_: note("told"))
parent.send(b"R")
while True:
    time.sleep(60)
"""
FAILS: Final = "note('began'); sys.exit(3)"
SERVES_ONCE: Final = """
if os.path.exists(f"served-{number}"):
    note("began")
    sys.exit(3)
open(f"served-{number}", "x").close()
note("served")
parent.send(b"R")
"""
SILENT: Final = "time.sleep(60)"


class Place:
    """Workers that run a program, and what they noted."""

    def __init__(self, directory: Path, workers: Workers, telemetry: RecordingTelemetry) -> None:
        self.directory = directory
        self.workers = workers
        self.telemetry = telemetry

    def noted(self) -> list[str]:
        """What they wrote down, in no order that would be known among several."""
        path = self.directory / "noted"
        return path.read_text().splitlines() if path.exists() else []

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for another process."""
        async with asyncio.timeout(20):
            while not reached():  # noqa: ASYNC110 - it is in a file
                await asyncio.sleep(0.005)

    def pid(self, number: int) -> int:
        """The process of a worker."""
        return self.workers._living[number].pid


@asynccontextmanager
async def working(
    directory: Path,
    program: str,
    count: int = 2,
    *,
    pace: Pace = PACE,
    ending: float = 10,
    launcher: Path = Path("/usr/bin/env"),
) -> AsyncIterator[Place]:
    """Workers that are to run ``program``; whatever is left is ended."""
    shares = [BoundAddresses(bound_socket("127.0.0.1", 0, backlog=1)) for _ in range(count)]
    telemetry = RecordingTelemetry()
    command = (
        *(str(launcher), "-C", str(directory)),
        *(sys.executable, "-I", "-S", "-c", PRELUDE + program),
    )
    workers = Workers(
        command, shares, "first", ending_seconds=ending, telemetry=telemetry, pace=pace
    )
    try:
        yield Place(directory, workers, telemetry)
    finally:
        await workers.close()
        for share in shares:
            share.close()


async def test_all_are_told_the_configuration_and_what_comes_after_it(tmp_path: Path):
    """Also one that replaces another: it gets what all began with, and what was accepted last."""
    async with working(tmp_path, SERVES) as place:
        assert await place.workers.start()
        place.workers.tell("second, and ü")
        await place.until(lambda: len(place.noted()) == 6)
        keeping = asyncio.create_task(place.workers.keep())
        os.kill(place.pid(1), signal.SIGKILL)
        await place.telemetry.seen("worker_restarted")
        await place.until(lambda: len(place.noted()) == 8)
        assert sorted(place.noted()) == [
            *("0 first", "0 first", "0 second, and ü"),
            *("1 first", "1 first", "1 first", "1 second, and ü", "1 second, and ü"),
        ]
        place.workers.end()
        await keeping
    assert sorted(each for each in place.noted() if "left" in each) == ["0 left", "1 left"]
    ended = await place.telemetry.failed("worker_ended")
    assert ended.fields["worker"] == 1
    assert "signal 9" in str(ended.fields["error"])


async def test_what_is_accepted_while_one_is_started_is_told_to_it(tmp_path: Path):
    """A hangup within the start comes just then; it would serve clients that were taken away."""
    async with working(tmp_path, SERVES, 1) as place:
        starting = asyncio.create_task(place.workers.start())
        for _ in range(3):  # It is under way, and there is no process yet.
            await asyncio.sleep(0)
        assert place.workers._living == {}
        place.workers.tell("second")
        assert await starting
        await place.until(lambda: "0 second" in place.noted())
        assert place.noted() == ["0 first", "0 first", "0 second"]


async def test_one_that_somebody_ended_is_replaced_without_a_failure(tmp_path: Path):
    """Whoever wants it anew may tell it to end."""
    async with working(tmp_path, SERVES, 1) as place:
        await place.workers.start()
        keeping = asyncio.create_task(place.workers.keep())
        os.kill(place.pid(0), signal.SIGTERM)
        await place.telemetry.seen("worker_restarted")
        place.workers.end()
        await keeping
    assert (await place.telemetry.seen("worker_ended")).fields["worker"] == 0


async def test_the_first_that_does_not_start_is_the_only_one(tmp_path: Path):
    """What is wrong with all of them is said by one."""
    async with working(tmp_path, FAILS, 3) as place:
        with pytest.raises(CommandFailed, match="did not start"):
            await place.workers.start()
    assert place.noted() == ["0 began"]


async def test_one_that_says_nothing_is_waited_for_so_long(tmp_path: Path):
    """And killed then."""
    async with working(tmp_path, SILENT, 1, pace=Pace(start=0.2)) as place:
        with pytest.raises(CommandFailed, match="did not start"):
            await place.workers.start()


async def test_when_none_starts_any_more_all_is_given_up(tmp_path: Path):
    """So that whoever watches this process hears of it."""
    async with working(tmp_path, SERVES_ONCE, 1) as place:
        await place.workers.start()
        with pytest.raises(CommandFailed, match="no worker starts any more"):
            await place.workers.keep()
    assert place.noted() == ["0 served", *["0 began"] * PACE.attempts]


async def test_as_long_as_another_serves_nothing_is_given_up(tmp_path: Path):
    """One that fails again and again is tried again and again."""
    program = f"if number == '0':\n  exec({SERVES!r})\nelse:\n  exec({SERVES_ONCE!r})"
    async with working(tmp_path, program) as place:
        await place.workers.start()
        keeping = asyncio.create_task(place.workers.keep())
        await place.until(lambda: place.noted().count("1 began") > PACE.attempts + 1)
        assert not keeping.done()
        place.workers.end()
        await keeping


async def test_while_the_system_starts_no_process_the_others_serve_on(tmp_path: Path):
    """It may have no memory or no number for another one; that is tried again."""
    launcher = tmp_path / "launcher"
    launcher.symlink_to("/usr/bin/env")
    async with working(tmp_path, SERVES, launcher=launcher) as place:
        await place.workers.start()
        keeping = asyncio.create_task(place.workers.keep())
        launcher.unlink()
        os.kill(place.pid(1), signal.SIGKILL)
        failed = await place.telemetry.failed("worker_not_started")
        assert failed.fields["worker"] == 1
        assert not keeping.done()
        launcher.symlink_to("/usr/bin/env")
        await place.telemetry.seen("worker_restarted")
        place.workers.end()
        await keeping


async def test_a_first_one_for_which_there_is_no_room_is_told(tmp_path: Path):
    """Nothing serves then."""
    async with working(tmp_path, SERVES, launcher=tmp_path / "nothing") as place:
        with pytest.raises(CommandFailed, match="did not start"):
            await place.workers.start()
        await place.telemetry.failed("worker_not_started")


async def test_one_that_does_not_end_is_ended(tmp_path: Path):
    """It was told, and told again, and had its time."""
    async with working(tmp_path, DEAF, 1, ending=0.3) as place:
        await place.workers.start()
        pid = place.pid(0)
        place.workers.end()
        await place.until(lambda: place.noted() == ["0 told"])
        place.workers.end()
        await place.until(lambda: place.noted() == ["0 told"] * 2)
        await place.workers.keep()
        await place.workers.close()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_told_to_end_while_they_start_they_end(tmp_path: Path):
    """Nobody is said to serve, and nobody fails."""
    async with working(tmp_path, SILENT, 2) as place:
        starting = asyncio.create_task(place.workers.start())
        await place.until(lambda: 0 in place.workers._living)
        place.workers.end()
        assert not await starting
        await place.workers.keep()
    assert place.workers._living == {}


def test_pauses_double_up_to_the_longest():
    """From none."""
    pace, pauses = Pace(), [0.0]
    while pauses[-1] < pace.longest_pause:
        pauses.append(pace.after(pauses[-1]))
    assert pauses == [0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10]
