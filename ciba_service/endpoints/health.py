"""Liveness and readiness for operators and load balancers."""

from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ciba_service.ports import Clock, StoreHealth, StoreUnavailable

__all__ = ["Health"]

_UNAVAILABLE: Final = 503
# Deadlines are compared by every host's own clock.
CLOCK_TOLERANCE_MS: Final = 2_000


class Health:
    """``/healthz``: this process answers. ``/readyz``: it could do its work now."""

    def __init__(
        self,
        *,
        store: StoreHealth,
        is_listening: Callable[[], bool],
        clock: Clock,
        is_leaving: Callable[[], bool] = lambda: False,
    ) -> None:
        """``is_leaving`` says whether the process was told to end."""
        self._is_leaving = is_leaving
        self._store = store
        self._is_listening = is_listening
        self._clock = clock

    async def live(self, request: Request) -> Response:  # noqa: ARG002 - Starlette
        """Always 200."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:  # noqa: ARG002 - Starlette
        """200, or 503 with what is missing."""
        missing = await self.missing()
        if missing is None:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "not ready", "missing": missing}, _UNAVAILABLE)

    async def missing(self) -> str | None:
        """What keeps the process from its work, or None."""
        if self._is_leaving():
            return "draining"
        try:
            drift = abs(await self._store.server_time_ms() - self._clock.now_ms())
        except StoreUnavailable:
            return "store"
        if drift > CLOCK_TOLERANCE_MS:
            return "clock"
        if not self._is_listening():
            return "subscription"
        try:
            await self._store.confirm()
        except StoreUnavailable:
            return "replicas"
        return None
