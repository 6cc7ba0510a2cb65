"""Connected phones of all processes: said again and again, and known without the store, too."""

import asyncio

from ciba_service.flow.phones.presence import ConnectedPhones
from ciba_service.ports import StoreUnavailable
from tests.fake_clock import FakeClock


class FakePresence:
    """``ports.PresenceStore`` that knows of two more phones, or is gone."""

    def __init__(self) -> None:
        self.reported: asyncio.Queue[tuple[str, int, int, int]] = asyncio.Queue()
        self.is_gone = False

    async def report(self, process: str, phones: int, *, now: int, until: int) -> int:
        """Two more than it is told."""
        self.reported.put_nowait((process, phones, now, until))
        if self.is_gone:
            raise StoreUnavailable("away")
        return phones + 2


def phones_of(store: FakePresence, clock: FakeClock) -> ConnectedPhones:
    """Of a process that has three."""
    return ConnectedPhones(store=store, process="this", here=lambda: 3, clock=clock)


async def test_those_of_the_others_are_added():
    """Without the store there are our own."""
    store = FakePresence()
    phones = phones_of(store, FakeClock())
    assert await phones.everywhere() == 5
    store.is_gone = True
    assert await phones.everywhere() == phones.here == 3


async def test_it_is_said_again_before_it_is_forgotten():
    """Twice, with time to spare, also after the store was away."""
    store, clock = FakePresence(), FakeClock()
    store.is_gone = True
    running = asyncio.create_task(phones_of(store, clock).run())
    process, count, now, until = await store.reported.get()
    assert (process, count, now) == ("this", 3, clock.now_ms())
    for _ in range(2):
        await asyncio.sleep(0)
        clock.advance(10)
        _, _, now, _ = await store.reported.get()
    assert now == clock.now_ms() < until
    running.cancel()
    await asyncio.wait({running})
