"""Events are taken note of at once and written in the background, whatever becomes of a sink."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from ciba_service.flow.security_events import lane
from ciba_service.flow.security_events.recorder import EventRecorder
from ciba_service.flow.security_events.watched import LoggedEvents, WatchedTelemetry
from ciba_service.ports import EventsUnwritable
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    ClientAuthenticationFailed,
    EventsLost,
    EventsSuppressed,
    FactorsUnlocked,
    SecurityEvent,
)
from ciba_service.protocol.security_events.limits import OF_SOURCE, WINDOW_MS
from ciba_service.protocol.security_events.record import SecurityEventRecord
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry

UNLOCKED = FactorsUnlocked(user="tag")


@dataclass
class Sink:
    """``ports.EventSink`` that keeps what it gets, may be out of order, and may be full."""

    records: list[SecurityEventRecord] = field(default_factory=list)
    defect: str = ""
    unplaced: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, records: Sequence[SecurityEventRecord]) -> int:
        """Keep them, or fail."""
        self.written.set()
        if self.defect:
            raise EventsUnwritable(self.defect)
        self.records += records[self.unplaced :]
        return min(self.unplaced, len(records))

    @property
    def events(self) -> list[SecurityEvent]:
        """What it got."""
        return [record.event for record in self.records]


@dataclass
class Scene:
    """A recorder over two sinks."""

    first: Sink = field(default_factory=Sink)
    second: Sink = field(default_factory=Sink)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    drawn: int = 0

    def random(self, count: int) -> bytes:
        """Bytes that differ each time."""
        self.drawn += 1
        return self.drawn.to_bytes(count)

    def recorder(self) -> EventRecorder:
        """The recorder; the background waits by the same clock."""
        return EventRecorder(
            [self.first, self.second],
            random=self.random,
            clock=self.clock,
            store_clock=self.clock,
            telemetry=self.telemetry,
        )


@asynccontextmanager
async def running(recorder: EventRecorder) -> AsyncIterator[None]:
    """Let the background run."""
    task = asyncio.create_task(recorder.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def turn_over() -> None:
    """Let every task that can do something do it."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_an_event_goes_to_every_sink_under_one_name():
    """The background writes it; its id is the same everywhere."""
    scene = Scene()
    recorder = scene.recorder()
    async with running(recorder):
        recorder.security_event(UNLOCKED)
        await asyncio.wait_for(scene.second.written.wait(), 5)
    assert scene.first.events == [UNLOCKED]
    assert scene.first.records == scene.second.records


async def test_what_follows_is_written_without_a_pause():
    """Only a sink that fails is left alone for a while."""
    scene = Scene()
    recorder = scene.recorder()
    async with running(recorder):
        for written in (1, 2):
            recorder.security_event(UNLOCKED)
            await turn_over()
            assert len(scene.first.events) == written


async def test_a_sink_that_fails_is_tried_again_and_holds_up_no_other():
    """What could not be written waits; the log says so once, until there is another reason."""
    scene = Scene(second=Sink(defect="disk full"))
    recorder = scene.recorder()
    async with running(recorder):
        recorder.security_event(UNLOCKED)
        await turn_over()
        assert (scene.first.events, scene.second.events) == ([UNLOCKED], [])
        scene.clock.advance(1)
        await turn_over()
        scene.second.defect = ""
        scene.clock.advance(1)
        await turn_over()
    assert scene.second.events == [UNLOCKED]
    assert [failure.name for failure in scene.telemetry.failures] == ["security_events_not_written"]


async def test_a_sink_that_fails_anew_is_told_anew():
    """Once it has worked meanwhile, the same reason is news."""
    scene = Scene()
    recorder = scene.recorder()
    for defect in ("disk full", "", "disk full"):
        scene.second.defect = defect
        recorder.security_event(UNLOCKED)
        await recorder.flush()
    assert len(scene.telemetry.failures) == 2


async def test_what_finds_no_place_is_counted_and_told(monkeypatch: pytest.MonkeyPatch):
    """Memory is bounded: beyond it events are lost, and the sink learns how many."""
    monkeypatch.setattr(lane, "MAXIMUM_WAITING", 2)
    scene = Scene()
    recorder = scene.recorder()
    for _ in range(5):
        recorder.security_event(UNLOCKED)
    await recorder.flush()
    assert scene.first.events == [UNLOCKED, UNLOCKED, EventsLost(count=3)]
    recorder.security_event(UNLOCKED)
    await recorder.flush()
    assert scene.first.events[3:] == [UNLOCKED]
    lost = scene.telemetry.named("security_events_lost")
    assert [each.fields for each in lost] == [{"count": 3}] * 2


async def test_a_full_sink_learns_later_what_it_lost():
    """What it had no place for is told as soon as it has one again."""
    scene = Scene(first=Sink(unplaced=1))
    recorder = scene.recorder()
    recorder.security_event(UNLOCKED)
    await recorder.flush()
    assert scene.first.events == []
    scene.first.unplaced = 0
    recorder.security_event(UNLOCKED)
    await recorder.flush()
    assert scene.first.events == [UNLOCKED, EventsLost(count=1)]


async def test_many_equal_events_become_one_line_about_the_rest():
    """The background says how many were suppressed when their minute is over."""
    scene = Scene()
    recorder = scene.recorder()
    failed = ClientAuthenticationFailed(cause=Cause.REPLAYED, client_id="till")
    async with running(recorder):
        for _ in range(OF_SOURCE + 3):
            recorder.security_event(failed)
        await turn_over()
        assert scene.first.events == [failed] * OF_SOURCE
        scene.clock.advance(WINDOW_MS / 1000)
        await turn_over()
    assert scene.first.events[OF_SOURCE:] == [
        EventsSuppressed(of="client_authentication_failed", count=3, client_id="till")
    ]


async def test_where_no_file_is_configured_the_log_has_the_events():
    """One line each, with all fields; the log's own lines go on as they were."""
    scene = Scene()
    log = RecordingTelemetry()
    recorder = EventRecorder(
        [LoggedEvents(log)],
        random=scene.random,
        clock=scene.clock,
        store_clock=scene.clock,
        telemetry=log,
    )
    telemetry = WatchedTelemetry(log, recorder)
    telemetry.event("something", number=1)
    telemetry.failure("defect", ValueError("why"))
    telemetry.security_event(UNLOCKED)
    await recorder.flush()
    (line,) = log.named("security_event")
    assert line.fields == {
        "id": "AAAAAAAAAAAAAAAAAAAAAQ",
        "severity": "info",
        "kind": "factors_unlocked",
        "user": "tag",
    }
    assert log.named("something")
    assert [failure.name for failure in log.failures] == ["defect"]
    assert log.security_events == []
