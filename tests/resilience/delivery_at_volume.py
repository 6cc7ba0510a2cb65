"""Many approvals at once, and what became of the callback of each."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from ciba_service.ports import (
    Callback,
    Decided,
    Delivery,
    NewTransaction,
    StoredRequest,
    Swap,
)
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.tokens.token_text import token_hash
from ciba_service.protocol.transaction.identifiers import new_auth_req_id
from ciba_service.protocol.transaction.state import Event
from ciba_service.sca.messages import Factor, challenge_hash, transaction_id
from ciba_service.sca.phones.devices import user_tag
from tests.resilience.failing_endpoint import (
    FailingEndpoint,
    Plan,
    addresses,
    outbound_section,
    served,
)
from tests.services.recording_telemetry import Event as Logged
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import RunningService
from tests.wire.callback_endpoint import Received
from tests.wire.client import WireClient

_T = TypeVar("_T")

CLIENTS = 10
AT_ONCE = 250
"""How many approvals are written, and callbacks looked at, side by side."""
LIFETIMES = (60, 90, 120)
"""Of requests, in seconds: short enough for some callbacks to find no end in time."""
STEP = 2
"""Seconds of the fake clock."""
CHALLENGE = ".".join(
    base64url(part)
    for part in (b'{"alg":"ES256"}', b'{"display":{"client":"Shop","shares":[]}}', b"signature")
)
"""What the service reads of its own again, when it makes a grant."""

Runner = Callable[..., AbstractAsyncContextManager[RunningService]]


@dataclass(frozen=True)
class Ending:
    """How the service says that a callback ended."""

    state: str
    attempts: int
    reason: str


@dataclass
class Following:
    """What the log says of each callback: when it is due next, and how it ended."""

    telemetry: RecordingTelemetry
    due: dict[str, int] = field(default_factory=dict)
    ended: dict[str, Ending] = field(default_factory=dict)
    words: Counter[str] = field(default_factory=Counter)
    read: int = 0

    def catch_up(self) -> None:
        """Read on."""
        for event in self.telemetry.events[self.read :]:
            transaction = str(event.fields.get("transaction_id"))
            match event.name:
                case "callback_due":
                    self.words[transaction] += 1
                    self.due[transaction] = int(str(event.fields["again_at"]))
                case "callback_delivered" | "callback_abandoned":
                    assert transaction not in self.ended, self.story(transaction)
                    self.words[transaction] += 1
                    del self.due[transaction]
                    self.ended[transaction] = Ending(
                        state=event.name.removeprefix("callback_"),
                        attempts=int(str(event.fields["attempts"])),
                        reason=str(event.fields["reason"] or ""),
                    )
        self.read = len(self.telemetry.events)

    def story(self, transaction: str) -> list[Logged]:
        """All that was said of one."""
        events = self.telemetry.events
        return [event for event in events if event.fields.get("transaction_id") == transaction]

    async def heard_of(self, waited_for: dict[str, int]) -> None:
        """Wait until there is a further word on each."""
        async with asyncio.timeout(120):
            for name, words in waited_for.items():
                while self.words[name] <= words:
                    await self.telemetry.next()
                    self.catch_up()


@dataclass
class Street:
    """A service, its clients, and the endpoint of them all."""

    service: RunningService
    endpoint: FailingEndpoint
    clients: list[WireClient]
    following: Following
    device_id: str
    asked: dict[str, Callback] = field(default_factory=dict)
    """What the callback of each transaction names."""

    async def approve(self, number: int, seed: int) -> None:
        """So many approvals, of all clients in turn, written as a phone's decision writes them."""
        chance = random.Random(seed)  # noqa: S311 - a plan, no secret
        for first in range(0, number, AT_ONCE):
            lifetimes = [
                chance.choice(LIFETIMES) for _ in range(first, min(first + AT_ONCE, number))
            ]
            await asyncio.gather(
                *(
                    self._approval(self.clients[(first + index) % CLIENTS], lifetime)
                    for index, lifetime in enumerate(lifetimes)
                )
            )

    async def _approval(self, client: WireClient, lifetime: int) -> None:
        transactions, now = self.service.service.stores.transactions, self.service.clock.now_ms()
        auth_req_id = new_auth_req_id(secrets.token_bytes).value
        name = transaction_id(auth_req_id)
        mode = DeliveryMode(client.metadata["backchannel_token_delivery_mode"])
        callback = self.asked[name] = Callback(auth_req_id, f"token-of-{name}", mode)
        await transactions.create(
            NewTransaction(
                transaction_id=name,
                client_id=client.client_id,
                user_tag=user_tag("alice"),
                request=StoredRequest(
                    subject="alice",
                    scope=("openid",),
                    acr="urn:openbanking:psd2:sca",
                    factors=(Factor.DEVICE_KEY, Factor.PIN),
                    challenge=CHALLENGE,
                ),
                created_at=now,
                expires_at=now + lifetime * 1000,
                interval_ms=5_000,
                callback=callback,
            ),
            operation=f"start-{name}",
        )
        swapped = await transactions.swap(
            Swap(
                transaction_id=name,
                event=Event.APPROVE,
                operation=f"decision-{name}",
                now=now,
                decided=Decided(
                    device_id=self.device_id,
                    operation=f"decision-{name}",
                    challenge_hash=challenge_hash(CHALLENGE),
                    acr="urn:openbanking:psd2:sca",
                    amr=("pop", "pin", "mfa"),
                    auth_time=now // 1000,
                ),
            )
        )
        assert swapped.calls_back
        self.following.due[name] = now

    async def until_all_ended(self) -> None:
        """Let time pass, step by step; none begins before what is due has been done."""
        following, clock = self.following, self.service.clock
        while following.due:
            now = clock.now_ms()
            due = [name for name, at in following.due.items() if at <= now]
            words = {name: following.words[name] for name in due}
            for name in due:
                self.service.service.worker.nudge(name)
            await following.heard_of(words)
            clock.advance(STEP)

    async def hold(self) -> None:
        """Hold that each was delivered once, or is abandoned for a reason; and nothing else."""
        ended, received = self.following.ended, self.endpoint.received
        assert ended.keys() == self.asked.keys()
        assert {callback.auth_req_id for callback in self.asked.values()} >= received.keys()
        for name, callback in self.asked.items():
            self._hold_one(ended[name], callback, received.get(callback.auth_req_id, []))
        await self._hold_the_same_in_the_store()
        await self._hold_tokens()

    def _hold_one(self, ending: Ending, callback: Callback, received: list[Received]) -> None:
        assert len(received) == ending.attempts
        assert all(each == received[0] for each in received)
        assert {each.headers["authorization"] for each in received} <= {f"Bearer {callback.token}"}
        for told in (each.json for each in received):
            assert told["auth_req_id"] == callback.auth_req_id
            assert ("access_token" in told) == (callback.mode is DeliveryMode.PUSH)
        assert self.endpoint.taken[callback.auth_req_id] == (ending.state == "delivered")
        assert (ending.reason != "") == (ending.state == "abandoned")

    async def _hold_the_same_in_the_store(self) -> None:
        log, now = self.service.service.stores.deliveries, self.service.clock.now_ms()
        ended = self.following.ended
        listed = await log.abandoned(client_id=None, limit=len(ended), now=now)
        assert {each.transaction_id: _ending(each) for each in listed} == {
            name: ending for name, ending in ended.items() if ending.state == "abandoned"
        }
        assert await log.due(client_id=None, limit=1) == []
        found = await _all_of(log.find(name, now=now) for name in ended)
        assert [each and _ending(each.delivery) for each in found] == [*ended.values()]

    async def _hold_tokens(self) -> None:
        """Tokens that were pushed work if they arrived, and were revoked if nobody took them."""
        pushed = {
            name: self.endpoint.received[callback.auth_req_id][0].json["access_token"]
            for name, callback in self.asked.items()
            if callback.mode is DeliveryMode.PUSH
        }
        assert len({*pushed.values()}) == len(pushed)
        find = self.service.service.stores.grants.find
        grants = await _all_of(find(name, token_hash(token)) for name, token in pushed.items())
        assert [grant is not None for grant in grants] == [
            self.following.ended[name].state == "delivered" for name in pushed
        ]

    def states(self) -> Counter[str]:
        """How many ended in which way."""
        return Counter(
            f"{ending.state} {ending.reason}".strip() for ending in self.following.ended.values()
        )


async def _all_of(asked: Iterable[Awaitable[_T]]) -> list[_T]:
    answers: list[_T] = []
    waiting = iter(asked)
    while some := list(islice(waiting, AT_ONCE)):
        answers += await asyncio.gather(*some)
    return answers


def _ending(delivery: Delivery) -> Ending:
    return Ending(delivery.state, delivery.attempts, delivery.reason or "")


@asynccontextmanager
async def failing_street(
    run_service: Runner, directory: Path, *, seed: str
) -> AsyncIterator[Street]:
    """Run a service, half of it ping, half push clients; endpoints fail 30 % of all attempts."""
    endpoint, hosts = FailingEndpoint(Plan(seed)), addresses(CLIENTS)
    async with served(endpoint, directory, hosts) as urls:
        clients = [
            WireClient(
                f"shop-{number}",
                metadata={
                    "backchannel_token_delivery_mode": ("ping", "push")[number % 2],
                    "backchannel_client_notification_endpoint": url,
                },
            )
            for number, url in enumerate(urls)
        ]
        sections = {
            "outbound": outbound_section(directory, hosts),
            "delivery": {"callback_delay_ms": 0},
        }
        async with run_service(clients=clients, sections=sections) as service:
            phone = await service.enrolled_phone("alice")
            following = Following(service.telemetry)
            yield Street(service, endpoint, clients, following, phone.device_id)
            assert service.telemetry.failures == []
