"""Places, the queue before them, and who is refused."""

import asyncio
from collections import Counter

import pytest

from ciba_service.listening.admission.gate import Gate, GateBounds, Shed
from tests.services.recording_telemetry import RecordingTelemetry


class Scene:
    """A gate with a clock that moves only when it is told to."""

    def __init__(self, *, places: int = 2, waiting: int = 4) -> None:
        self.now = 100.0
        self.shed: Counter[Shed] = Counter()
        self.lags: list[float] = []
        self.telemetry = RecordingTelemetry()
        self.gate = Gate(
            GateBounds(requests=places, waiting=waiting, wait_seconds=0.25),
            self.telemetry,
            on_shed=lambda cause: self.shed.update([cause]),
            on_lag=self.lags.append,
            now=lambda: self.now,
        )

    async def full(self) -> "Scene":
        """All places are taken."""
        while self.gate.in_work < self.gate.limit:
            assert await self.gate.let_in("busy")
        return self

    async def waiting(self, *keys: str) -> list[asyncio.Task[bool]]:
        """Requests of these keys, which wait."""
        tasks = [asyncio.create_task(self.gate.let_in(key)) for key in keys]
        await asyncio.sleep(0)
        return tasks


@pytest.fixture
async def scene() -> Scene:
    """Two places, both taken, and room for four to wait."""
    return await Scene().full()


async def test_what_finds_a_place_does_not_wait():
    """And nothing is counted but the place."""
    scene = Scene()
    assert not scene.gate.turns_away("till")
    assert await scene.gate.let_in("till")
    assert (scene.gate.in_work, scene.gate.waiting, scene.gate.is_crowded) == (1, 0, False)


async def test_a_place_that_is_left_goes_to_who_waits(scene: Scene):
    """One for one: there are never more at work than may be."""
    first, second = await scene.waiting("till", "till")
    assert (scene.gate.waiting, scene.gate.is_crowded) == (2, True)
    scene.gate.leave()
    assert await first
    assert (scene.gate.in_work, scene.gate.waiting) == (2, 1)
    assert not second.done()
    scene.gate.leave()
    assert await second
    assert not scene.shed


async def test_a_newcomer_does_not_overtake(scene: Scene):
    """A place is free for a moment only where nobody waits for it."""
    (first,) = await scene.waiting("till")
    scene.gate.in_work -= 1
    (second,) = await scene.waiting("shop")
    scene.gate.look(0.0, 0.1)
    assert await first
    scene.gate.leave()
    assert await second


async def test_one_more_than_may_wait_is_refused_at_once(scene: Scene):
    """It is told so before its body is read, or right after."""
    await scene.waiting(*["till"] * 4)
    assert scene.gate.turns_away("till")
    assert not await scene.gate.let_in("till")
    assert scene.shed == {Shed.FULL: 2}
    assert scene.gate.waiting == 4


async def test_a_loud_address_makes_room_for_a_quiet_one(scene: Scene):
    """The last of the loud goes, and the quiet one is next but one."""
    loud = await scene.waiting(*["loud"] * 4)
    (quiet,) = await scene.waiting("quiet")
    assert not await loud[3]
    assert scene.shed == {Shed.FULL: 1}
    scene.gate.leave()
    scene.gate.leave()
    assert await loud[0]
    assert await quiet


async def test_whoever_has_waited_too_long_is_refused_before_it_gets_a_place(scene: Scene):
    """Whoever sent it may have given up; the place goes to one that is fresh."""
    (late,) = await scene.waiting("till")
    scene.now += 0.26
    (fresh,) = await scene.waiting("till")
    scene.gate.leave()
    assert not await late
    assert await fresh
    assert scene.shed == {Shed.TOO_LATE: 1}


async def test_nobody_waits_longer_than_may_be_where_nothing_is_done(scene: Scene):
    """While the store stands still no place is left, and each look ends what is too late."""
    tasks = await scene.waiting("till", "till", "shop")
    scene.now += 0.26
    scene.gate.look(0.0, 0.1)
    assert not any([await task for task in tasks])
    assert scene.shed == {Shed.TOO_LATE: 3}
    assert (scene.gate.in_work, scene.gate.waiting) == (2, 0)


async def test_a_queue_that_stands_gets_short():
    """A second look finds it still there: now only those wait who are served soon."""
    scene = await Scene(waiting=100).full()
    await scene.waiting(*["till"] * 40)
    scene.gate.look(0.0, 0.1)
    assert not scene.gate.turns_away("till")
    scene.gate.look(0.0, 0.1)
    assert scene.gate.turns_away("till")


async def test_a_queue_that_stands_is_as_long_as_is_served_soon():
    """By what was served since the last look, and not before."""
    scene = await Scene(waiting=100).full()
    await scene.waiting(*["till"] * 40)
    scene.gate.look(0.0, 0.1)
    for _ in range(400):
        scene.gate.enter()
        scene.gate.leave()
    scene.gate.look(0.0, 0.1)
    assert not scene.gate.turns_away("till")
    scene.gate.look(0.0, 0.1)
    assert scene.gate.turns_away("till")


async def test_a_queue_stays_short_until_nobody_had_to_be_refused():
    """That it is empty for a moment does not end the storm."""
    scene = await Scene(waiting=100).full()
    for refuses, is_short in ((True, True), (False, False)):
        tasks = await scene.waiting(*["till"] * 32)
        scene.gate.look(0.0, 0.1)
        scene.gate.look(0.0, 0.1)
        assert scene.gate.turns_away("till")
        scene.gate.look(0.0, 0.1)
        if refuses:
            assert scene.gate.turns_away("till")
        for _ in tasks:
            scene.gate.leave()
        assert all([await task for task in tasks])
        scene.gate.look(0.0, 0.1)
        again = await scene.waiting(*["till"] * 32)
        assert scene.gate.turns_away("till") is is_short
        for _ in again:
            scene.gate.leave()
        assert all([await task for task in again])


async def test_a_queue_that_was_empty_again_is_as_long_as_before():
    """The storm is over."""
    scene = await Scene(waiting=100).full()
    tasks = await scene.waiting(*["till"] * 2)
    scene.gate.look(0.0, 0.1)
    for _ in tasks:
        scene.gate.leave()
    assert all([await task for task in tasks])
    scene.gate.look(0.0, 0.1)
    await scene.waiting(*["till"] * 50)
    assert not scene.gate.turns_away("till")


async def test_places_follow_the_lag_of_the_loop():
    """Late: fewer. In time, and all taken: more, and who waits gets them."""
    scene = await Scene(places=1_000, waiting=100).full()
    assert scene.gate.limit == 128
    scene.gate.look(0.1, 0.1)
    assert (scene.gate.limit, scene.gate.lag, scene.lags) == (64, 0.1, [0.1])
    scene.gate.in_work = 64
    tasks = await scene.waiting("till")
    scene.gate.look(0.0, 0.1)
    assert await tasks[0]
    assert scene.gate.limit == 72


async def test_places_grow_where_all_are_refused_at_the_door():
    """Nobody waits there, but a place more would be taken."""
    scene = await Scene(places=1_000, waiting=0).full()
    assert scene.gate.turns_away("till")
    scene.gate.look(0.0, 0.1)
    assert scene.gate.limit == 144
    scene.gate.look(0.0, 0.1)
    assert scene.gate.limit == 144


async def test_those_who_are_about_to_begin_are_reckoned_with():
    """A loop reads from all connections first: the fourth of a round finds what the third left."""
    scene = Scene(places=2, waiting=1)
    assert await scene.gate.let_in("till")
    verdicts = []
    for _ in range(4):
        verdicts.append(scene.gate.may_be_full and scene.gate.turns_away("till"))
        if not verdicts[-1]:
            scene.gate.comes("till")
    assert verdicts == [False, False, True, True]
    await asyncio.sleep(0)
    assert not scene.gate.may_be_full
    assert not scene.gate.turns_away("till")


async def test_a_quiet_process_reckons_with_nobody():
    """It costs nothing where there is room for all."""
    scene = await Scene(places=2).full()
    assert scene.gate.is_half_full
    scene.gate.leave()
    scene.gate.leave()
    assert not scene.gate.is_half_full


async def test_a_loud_one_that_comes_first_leaves_room_for_a_quiet_one(scene: Scene):
    """Of one round of the loop, too: the quiet one takes the place of its last."""
    for _ in range(4):
        assert not scene.gate.turns_away("loud")
        scene.gate.comes("loud")
    assert scene.gate.turns_away("loud")
    assert not scene.gate.turns_away("quiet")
    await asyncio.sleep(0)
    assert not scene.gate.turns_away("loud")
    assert not scene.gate._coming


async def test_whoever_has_gone_while_waiting_takes_no_place(scene: Scene):
    """Neither from the queue, nor when it had just been given one."""
    in_queue, given = await scene.waiting("till", "shop")
    in_queue.cancel()
    with pytest.raises(asyncio.CancelledError):
        await in_queue
    assert scene.gate.waiting == 1
    scene.gate.leave()
    given.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given
    assert (scene.gate.in_work, scene.gate.waiting) == (1, 0)


async def test_whoever_goes_in_the_same_moment_is_passed_over(scene: Scene):
    """The place is for the next one; and nobody who has gone is counted as refused."""
    gone, next_one = await scene.waiting("till", "till")
    gone.cancel()
    scene.gate.leave()
    assert await next_one
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (scene.gate.in_work, scene.gate.waiting) == (2, 0)
    late = await scene.waiting("till")
    late[0].cancel()
    scene.now += 1
    scene.gate.look(0.0, 0.1)
    assert not scene.shed


async def test_whoever_goes_as_it_is_refused_leaves_no_place(scene: Scene):
    """It had none: there are never more at work than may be."""
    (late,) = await scene.waiting("till")
    scene.now += 1
    scene.gate.look(0.0, 0.1)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    assert (scene.gate.in_work, scene.gate.waiting) == (2, 0)


async def test_a_thousand_refusals_are_one_line_of_the_log(scene: Scene):
    """At most one a second, and none is lost in the count."""
    await scene.waiting(*["till"] * 4)
    for _ in range(1_000):
        assert scene.gate.turns_away("till")
    scene.gate.look(0.012, 0.1)
    scene.gate.turns_away("till")
    scene.now += 0.2
    scene.gate.look(0.0, 0.1)
    (line,) = scene.telemetry.named("requests_shed")
    assert line.fields == {"number": 1_000, "in_work": 2, "limit": 2, "lag_ms": 12}
    scene.now += 1
    scene.gate.look(0.0, 0.1)
    assert sum(int(str(each.fields["number"])) for each in scene.telemetry.events) == 1_000 + 5


async def test_a_quiet_process_says_nothing():
    """A look that finds nothing is not told."""
    scene = Scene()
    scene.gate.look(0.0, 0.1)
    assert scene.telemetry.events == []


async def test_it_looks_by_itself_until_it_is_ended(monkeypatch: pytest.MonkeyPatch):
    """What it finds is how late the loop was: hardly, where nobody holds it up."""
    scene, looks = Scene(), asyncio.Queue[tuple[float, float]]()
    monkeypatch.setattr(scene.gate, "look", lambda *found: looks.put_nowait(found))
    running = asyncio.create_task(scene.gate.run())
    for _ in range(2):
        lag, period = await asyncio.wait_for(looks.get(), 10)
        assert -period < lag < 10
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
