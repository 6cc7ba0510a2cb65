"""A ``ciba-service serve`` of its own, with clients to be called back and phones that approve."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.services.service_process import Installation, Serving, installation
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, WireSocket

__all__ = ["Installed", "installed", "own_pid", "preset"]

NOTIFICATION_TOKEN = "a-notification-token-of-some-length"  # noqa: S105 - of a benchmark


def preset(user: int) -> str:
    """The activation code of a user."""
    return f"BENCH-PHONE-{user:03d}"


@dataclass
class Installed:
    """A service that runs, and whoever uses it."""

    place: Installation
    serving: Serving
    clients: list[WireClient]
    users: list[str]
    free: asyncio.Queue[str]
    phones: list[WirePhone] = field(default_factory=list)
    accepted: dict[str, float] = field(default_factory=dict)
    """When the approval of each request was accepted, by its ``auth_req_id``."""
    _deciding: dict[str, asyncio.Future[float]] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The process."""
        return self.serving.process.pid

    async def approved(self, client: WireClient) -> str:
        """A request that its user has approved, as soon as the service has accepted that."""
        user = await self.free.get()
        decided = self._deciding[user] = asyncio.get_running_loop().create_future()
        auth_req_id = await client.started(
            login_hint=user, client_notification_token=NOTIFICATION_TOKEN
        )
        self.accepted[auth_req_id] = await decided
        self.free.put_nowait(user)
        return auth_req_id

    async def approve_all(self, user: str, phone: WirePhone, socket: WireSocket) -> None:
        """Approve whatever a phone shows, until cancelled."""
        while True:
            shown = (await socket.next("challenge"))["challenge"]
            outcome = await socket.decide(phone.approval(shown))
            now = time.perf_counter()
            if outcome["type"] != "accepted":
                raise RuntimeError(f"an approval was refused: {outcome}")
            self._deciding.pop(user).set_result(now)


NO_LIMITS: Final = {
    "client_requests": 0,
    "hint_requests": 0,
    "user_prompts": 0,
    "user_prompts_of_client": 0,
    "denials": 0,
}
"""A benchmark asks more often than any honest client."""


@asynccontextmanager
async def installed(
    directory: Path, endpoints: Sequence[str], *, users: int, **sections: dict[str, Any]
) -> AsyncIterator[Installed]:
    """Run one with a ping client for each endpoint, and a phone for each user.

    The phones approve, on sockets; without endpoints there is but the till, which polls, and the
    phones do nothing by themselves.
    """
    await asyncio.to_thread(directory.mkdir)
    names = [f"user-{number}" for number in range(users)]
    async with installation(directory) as place, AsyncExitStack() as stack:
        clients = [_client(place, number, url) for number, url in enumerate(endpoints)]
        place.configure(
            users=tuple(
                {"sub": name, "activation_code": preset(number)}
                for number, name in enumerate(names)
            ),
            clients=clients,
            device={"second_secret": False},
            limits=NO_LIMITS,
            **sections,
        )
        serving = await place.serve()
        stack.push_async_callback(serving.terminate)
        free: asyncio.Queue[str] = asyncio.Queue()
        running = Installed(place, serving, clients, names, free)
        tasks = await stack.enter_async_context(_cancelled_at_the_end())
        for number, name in enumerate(names):
            phone = await place.phone().enrol(preset(number))
            running.phones.append(phone)
            if endpoints:
                socket = await stack.enter_async_context(phone.online())
                tasks.append(asyncio.create_task(running.approve_all(name, phone, socket)))
                free.put_nowait(name)
        yield running


@asynccontextmanager
async def _cancelled_at_the_end() -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks: list[asyncio.Task[None]] = []
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _client(place: Installation, number: int, endpoint: str) -> WireClient:
    return WireClient(
        f"client-{number}",
        key=place.till.key,
        metadata={
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint,
        },
        issuer=place.issuer,
        clock=place.till.clock,
        http=place.http,
    )


def own_pid() -> int:
    """This program, which is the clients, their endpoints and the phones."""
    return os.getpid()
