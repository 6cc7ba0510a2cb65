"""What runs beside the endpoints: due work, the hub of phones, new keys; begun anew on failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.applications import Starlette

from ciba_service.ending import end
from ciba_service.flow.phones.activation import Activations
from ciba_service.ports import Clock, Telemetry
from ciba_service.wiring.parts import Parts

__all__ = ["Background", "supervise"]

_RESTART_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Background:
    """The application's lifespan."""

    parts: Parts

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 - Starlette
        """Store preset activation codes, then keep the tasks running until the end."""
        await self._store_presets()
        surroundings = self.parts.surroundings
        watch = partial(supervise, clock=surroundings.store_clock, telemetry=surroundings.telemetry)
        async with (
            aclosing(self.parts.outbound),
            aclosing(self.parts.events),
            self.parts.stores.subscription,
            _ended_together() as begin,
        ):
            begin(watch("due_worker", self.parts.worker.run))
            begin(watch("delivery", self.parts.delivery.run))
            begin(watch("device_hub", self.parts.hub.run))
            begin(watch("keys", self._follow_keys))
            begin(watch("security_events", self.parts.events.recorder.run))
            begin(watch("admission", self.parts.admission.run))
            if self.parts.wake_ups is not None:
                begin(watch("wake_ups", self.parts.wake_ups.run))
            if self.parts.settings.operators:  # Nobody else asks.
                begin(watch("presence", self.parts.phones.run))
            for pushes in self.parts.events.pushes:
                begin(watch("security_event_pushes", pushes.run))
            if self.parts.settings.evidence.enabled:
                begin(watch("evidence", self.parts.drainer.run))
            yield

    async def _follow_keys(self) -> None:
        surroundings = self.parts.surroundings
        await self.parts.keys.follow(surroundings.store_clock, surroundings.telemetry)

    async def _store_presets(self) -> None:
        stores, surroundings = self.parts.stores, self.parts.surroundings
        activations = Activations(
            activations=stores.activations,
            devices=stores.devices,
            random=surroundings.random,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        )
        for user in self.parts.settings.users:
            if user.activation_code is not None:
                await activations.preset(user.sub, user.activation_code)


@asynccontextmanager
async def _ended_together() -> AsyncIterator[Callable[[Coroutine[None, None, None]], None]]:
    """Begins tasks that are cancelled at the end of the block, and waited for.

    No group of asyncio's: that wraps whatever a host raises within the block.
    """
    tasks = list[asyncio.Task[None]]()
    try:
        yield lambda run: tasks.append(asyncio.create_task(run))
    finally:
        await end(tasks)


async def supervise(
    name: str, run: Callable[[], Awaitable[None]], *, clock: Clock, telemetry: Telemetry
) -> None:
    """Run a task for ever: when it ends or fails, it is begun anew a second later."""
    while True:
        try:
            await run()
        except Exception as defect:  # noqa: BLE001 - the supervisor of background tasks
            telemetry.failure("task_failed", defect, task=name)
        await clock.sleep(_RESTART_SECONDS)
