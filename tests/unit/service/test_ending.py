"""Tasks end although their cancellation gets lost."""

import asyncio

from ciba_service.ending import end
from ciba_service.ports import StoreUnavailable
from ciba_service.wiring.running.background import supervise
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry


async def forever(begun: asyncio.Event) -> None:
    """Work until it is cancelled."""
    begun.set()
    await asyncio.Event().wait()


async def failing(begun: asyncio.Event) -> None:
    """The same, but the store is gone just then."""
    try:
        await forever(begun)
    except asyncio.CancelledError:
        raise StoreUnavailable from None


async def test_what_fails_while_it_is_cancelled_ends():
    """It is begun anew after every failure, and the process must end all the same."""
    begun, telemetry = asyncio.Event(), RecordingTelemetry()
    watched = supervise("work", lambda: failing(begun), clock=FakeClock(), telemetry=telemetry)
    task = asyncio.create_task(watched)
    await begun.wait()
    await end([task], patience=0.01)
    assert task.cancelled()
    assert [failure.name for failure in telemetry.failures] == ["task_failed"]


async def test_what_loses_its_cancellation_is_cancelled_again():
    """As often as it takes; whoever has ended is left alone."""
    lost = 0

    async def losing() -> None:
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1

    begun = asyncio.Event()
    tasks = [asyncio.create_task(work) for work in (losing(), failing(begun), forever(begun))]
    await begun.wait()
    await end(tasks, patience=0.01)
    assert lost == 3
    assert [task.cancelled() for task in tasks] == [False, False, True]
    assert isinstance(tasks[1].exception(), StoreUnavailable)
    await end(tasks)
    await end([])
