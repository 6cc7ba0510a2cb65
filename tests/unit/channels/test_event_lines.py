"""The file of security events, and standard output: whole lines, or none."""

import asyncio
import fcntl
import io
import json
import os
import stat
from pathlib import Path

import pytest

from ciba_service.channels import event_lines
from ciba_service.channels.event_lines import EventFile, EventOutput
from ciba_service.ports import EventsUnwritable
from ciba_service.protocol.security_events.kinds import FactorsUnlocked
from ciba_service.protocol.security_events.record import SecurityEventRecord, record_of


def records(*users: str) -> list[SecurityEventRecord]:
    """An event for each."""
    return [record_of(FactorsUnlocked(user=user), entropy=bytes(16), now=0) for user in users]


def users_in(path: Path) -> list[str]:
    """Whom the lines are about."""
    return [json.loads(line)["event"]["user"] for line in path.read_bytes().splitlines()]


async def test_lines_are_appended_to_a_file_of_ones_own(tmp_path: Path):
    """Mode 0600, one line an event; what is there stays."""
    path = tmp_path / "events.jsonl"
    sink = EventFile(path)
    await sink.write(records("a", "b"))
    await sink.write(records("c"))
    assert users_in(path) == ["a", "b", "c"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_is_rotated_is_begun_anew(tmp_path: Path):
    """Nobody needs to be told that it was renamed."""
    path = tmp_path / "events.jsonl"
    sink = EventFile(path)
    await sink.write(records("old"))
    path.rename(tmp_path / "events.jsonl.1")
    await sink.write(records("new"))
    assert users_in(path) == ["new"]


async def test_several_write_whole_lines(tmp_path: Path):
    """Processes share a file, as two sinks do here."""
    path = tmp_path / "events.jsonl"
    sinks = [EventFile(path), EventFile(path)]
    await asyncio.gather(
        *(sinks[number % 2].write(records(f"user {number}")) for number in range(50))
    )
    assert sorted(users_in(path)) == sorted(f"user {number}" for number in range(50))


async def test_a_file_for_everybody_is_refused(tmp_path: Path):
    """Whoever made it readable to others has to think again."""
    path = tmp_path / "events.jsonl"
    path.touch(mode=0o600)
    path.chmod(0o644)
    with pytest.raises(EventsUnwritable, match="must not be accessible to others"):
        await EventFile(path).write(records("a"))
    assert path.read_bytes() == b""


async def test_what_is_no_file_is_refused(tmp_path: Path):
    """A link leads to somebody else's file, a directory holds none, and a pipe may block."""
    target = tmp_path / "target"
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(target)
    os.mkfifo(pipe, 0o600)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for path in (link, pipe, tmp_path, tmp_path / "nowhere" / "events"):
            with pytest.raises(EventsUnwritable):
                await EventFile(path).write(records("a"))
    finally:
        os.close(reader)
    assert not target.exists()


async def test_half_a_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When the disk is full the file ends with a whole line, and the event comes again."""
    path = tmp_path / "events.jsonl"
    sink, write = EventFile(path), os.write
    await sink.write(records("a"))
    monkeypatch.setattr(event_lines.os, "write", lambda file, data: write(file, data[:10]))
    with pytest.raises(EventsUnwritable, match="only a part"):
        await sink.write(records("b"))
    monkeypatch.undo()
    await sink.write(records("b"))
    assert users_in(path) == ["a", "b"]


async def test_whoever_keeps_the_lock_stops_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is waited for, and then the event waits instead."""
    monkeypatch.setattr(event_lines, "_LOCK_ATTEMPTS", 2)
    path = tmp_path / "events.jsonl"
    await EventFile(path).write(records("a"))
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(EventsUnwritable, match="somebody else holds its lock"):
            await EventFile(path).write(records("b"))
    await EventFile(path).write(records("b"))
    assert users_in(path) == ["a", "b"]


async def test_what_root_makes_belongs_to_the_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A command of root must not take the file away from the service."""
    given = []
    owner = os.stat_result((0o40700, 0, 0, 1, 4711, 4712, 0, 0, 0, 0))
    monkeypatch.setattr(event_lines.os, "geteuid", lambda: 0)
    monkeypatch.setattr(event_lines.os, "fchown", lambda _, *ids: given.append(ids))
    file = os.stat_result((0o100600, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    monkeypatch.setattr(event_lines.os, "fstat", lambda _: file)
    monkeypatch.setattr(event_lines.Path, "stat", lambda _: owner)
    EventFile(tmp_path / "events.jsonl").append(records("a"))
    assert given == [(4711, 4712)]


async def test_standard_output_gets_the_same_lines():
    """Flushed at once; a reader that has gone is a failure like any other."""
    stream = io.BytesIO()
    await EventOutput(stream).write(records("a", "b"))
    assert len(stream.getvalue().splitlines()) == 2
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(EventsUnwritable), os.fdopen(write, "wb", buffering=0) as broken:
        await EventOutput(broken).write(records("a"))
