"""What do thousands of waiting polls cost, and how soon is one answered once it is decided?

All wait in one process with ``Prefer: wait=25``. While nothing happens the process should be idle;
then some of the users approve, and in the end all others are told that it is still pending.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.installed import Installed, installed, own_pid
from benchmarks.machine import Lag, Noise, Usage, environment, resident_mib
from benchmarks.report import milliseconds, quantile, table
from ciba_service.commands.serving.open_files import allow_open_files
from ciba_service.sca.messages import transaction_id
from tests.unit.channels.outbound.far_ends import head_of
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

__all__ = ["PollsMeasured", "WaitingPolls", "measure_waiting_polls"]

_OPEN_PROMPTS = 100
_EXPIRY = 300
_SIDE_BY_SIDE = 32
_QUIET_SHARE = 0.05
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class WaitingPolls:
    """How it is measured; ``idle_seconds`` is how long nothing happens, once all wait."""

    polls: int = 5_000
    approved: int = 150
    rate: float = 30.0
    idle_seconds: float = 4.0
    wait: int = 25

    @property
    def users(self) -> int:
        """Each has as many open prompts as may be."""
        return -(-self.polls // _OPEN_PROMPTS)


@dataclass
class PollsMeasured:
    """What it came to; shares are of one core."""

    idle_share: float = 0.0
    before_share: float = 0.0
    kib_each: float = 0.0
    held_after: float = 0.0
    answered: list[float] = field(default_factory=list)
    wrong: int = 0
    shortest: float = 0.0
    longest: float = 0.0
    noise: Noise | None = None
    lag: list[float] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        """Idle while they wait, and every answer as it should be."""
        return self.idle_share - self.before_share < _QUIET_SHARE and not self.wrong

    def chapter(self, plan: WaitingPolls) -> str:
        """What is written down."""
        how = (
            f"{plan.polls} polls with `Prefer: wait={plan.wait}` (RFC 7240), each on a connection"
            f" of its own, to one process; all of them waited {self.held_after:.1f} s after the"
            f" first was sent. {plan.approved} were approved at {plan.rate:g} a second, the others"
            " waited to the end."
        )
        rows = [
            ["processor of the process, no poll waiting", f"{self.before_share:.1%} of a core"],
            [f"processor, {plan.polls} polls waiting", f"{self.idle_share:.1%} of a core"],
            ["memory for each, its connection included", f"{self.kib_each:.1f} KiB"],
            [
                "from handing in the decision to the tokens, p50",
                milliseconds(quantile(self.answered, 0.5)),
            ],
            ["p99", milliseconds(quantile(self.answered, 0.99))],
            [
                "`authorization_pending` to the others after",
                f"{self.shortest:.1f} to {self.longest:.1f} s",
            ],
            ["answers that were wrong or missing", str(self.wrong)],
        ]
        noise = (
            f"Noise: {self.noise}; the driver itself was late by"
            f" {milliseconds(quantile(self.lag, 0.5))} (p50) and"
            f" {milliseconds(quantile(self.lag, 0.99))} (p99)."
        )
        return "\n\n".join([f"{environment()}.", how, table(["what", "figure"], rows), noise])


@dataclass
class _Poll:
    """One poll: when it was sent, when and how it was answered."""

    auth_req_id: str
    request: bytes
    sent: float = 0.0
    came: float = 0.0
    answer: bytes = b""

    @property
    def status(self) -> bytes:
        """Of the answer."""
        return self.answer[9:12]

    async def run(self, host: str, port: int, connecting: asyncio.Semaphore) -> None:
        """Send it and wait for its answer."""
        async with connecting:
            reader, writer = await asyncio.open_connection(host, port)
            self.sent = time.perf_counter()
            writer.write(self.request)
            await writer.drain()
        try:
            self.answer = await head_of(reader)  # and its body
            self.came = time.perf_counter()
        finally:
            writer.close()


async def measure_waiting_polls(plan: WaitingPolls, directory: Path) -> PollsMeasured:
    """Run it; about a minute and a half as planned by default, most of it to prepare."""
    allow_open_files(plan.polls + 512)
    sections = {
        "requests": {"open_prompts": _OPEN_PROMPTS},
        "server": {"max_held_polls": plan.polls, "max_held_polls_of_client": plan.polls},
    }
    measured, lag = PollsMeasured(), Lag()
    async with installed(directory / "service", [], users=plan.users, **sections) as service:
        client = service.place.till
        started = await _started(plan, service, client)
        decisions = await _decisions(plan, service, started)
        polls = [_Poll(name, _request(plan, client, name)) for name in started.values()]
        memory, before = resident_mib(service.pid), Usage.of(service.pid)
        await asyncio.sleep(1)
        measured.before_share = Usage.of(service.pid).share_since(before)
        pids = [own_pid(), service.pid, service.place.server_pid()]
        usage = {pid: Usage.of(pid) for pid in pids}
        async with _sent(polls, client.issuer) as begun:
            await _until_quiet(service.pid)
            measured.held_after = time.perf_counter() - begun
            measured.kib_each = (resident_mib(service.pid) - memory) * 1024 / plan.polls
            before = Usage.of(service.pid)
            await asyncio.sleep(plan.idle_seconds)
            measured.idle_share = Usage.of(service.pid).share_since(before)
            watching = asyncio.create_task(lag.watch())
            handed_in = await _decide(plan, decisions)
            watching.cancel()
        measured.noise = Noise.between(usage, {pid: Usage.of(pid) for pid in pids})
    measured.lag = lag.late
    _judge(polls, handed_in, measured)
    return measured


async def _started(plan: WaitingPolls, service: Installed, client: WireClient) -> dict[str, str]:
    """Requests that are pending: ``auth_req_id`` by transaction."""
    free = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def start(number: int) -> str:
        user = service.users[number // _OPEN_PROMPTS]
        async with free:
            return await client.started(login_hint=user, requested_expiry=_EXPIRY)

    names = await asyncio.gather(*map(start, range(plan.polls)))
    return {transaction_id(name): name for name in names}


@dataclass(frozen=True)
class _Decision:
    phone: WirePhone
    auth_req_id: str
    signed: str


async def _decisions(
    plan: WaitingPolls, service: Installed, started: dict[str, str]
) -> list[_Decision]:
    """Approvals to be handed in, of several phones in turn, signed already."""
    each = -(-plan.approved // len(service.phones))
    made: list[list[_Decision]] = []
    for phone in service.phones:
        challenges = (await phone.fetch())[:each]
        names = [started[claims_of(challenge)["transaction_id"]] for challenge in challenges]
        signed = map(phone.approval, challenges)
        made.append([_Decision(phone, *pair) for pair in zip(names, signed, strict=True)])
    # One user after the other: attempts of one user that are not settled count together.
    return [decision for turn in zip(*made, strict=True) for decision in turn][: plan.approved]


def _request(plan: WaitingPolls, client: WireClient, auth_req_id: str) -> bytes:
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
    body = urlencode(form)
    head = [
        "POST /token HTTP/1.1",
        f"Host: {urlsplit(client.issuer).netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        f"Prefer: wait={plan.wait}",
    ]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@asynccontextmanager
async def _sent(polls: Sequence[_Poll], issuer: str) -> AsyncIterator[float]:
    """Send them all, and at the end wait for all answers; what is yielded is the beginning."""
    address, connecting = urlsplit(issuer), asyncio.Semaphore(_SIDE_BY_SIDE)
    begun = time.perf_counter()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for poll in polls:
            tasks.create_task(poll.run(str(address.hostname), address.port or 80, connecting))
        yield begun


async def _until_quiet(pid: int) -> None:
    """Wait until a process that was busy has nothing more to do."""
    share = 1.0
    while share > _QUIET_SHARE:
        before = Usage.of(pid)
        await asyncio.sleep(_LOOK_SECONDS)
        share = Usage.of(pid).share_since(before)


async def _decide(plan: WaitingPolls, decisions: Sequence[_Decision]) -> dict[str, float]:
    """Hand them in one by one at the planned rate; when each was, by ``auth_req_id``."""
    handed_in: dict[str, float] = {}

    async def hand_in(decision: _Decision) -> None:
        handed_in[decision.auth_req_id] = time.perf_counter()
        outcome = await decision.phone.decide(decision.signed)
        if outcome["type"] != "accepted":
            raise RuntimeError(f"an approval was refused: {outcome}")

    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for index, decision in enumerate(decisions):
            await asyncio.sleep(max(0.0, begun + index / plan.rate - loop.time()))
            tasks.create_task(hand_in(decision))
    return handed_in


def _judge(polls: Sequence[_Poll], handed_in: dict[str, float], measured: PollsMeasured) -> None:
    """Approved ones must have tokens; the others must have waited and be told "pending"."""
    waits = []
    for poll in polls:
        if poll.auth_req_id in handed_in:
            measured.wrong += poll.status != b"200"
            measured.answered.append(poll.came - handed_in[poll.auth_req_id])
        else:
            measured.wrong += b"authorization_pending" not in poll.answer
            waits.append(poll.came - poll.sent)
    measured.shortest, measured.longest = min(waits), max(waits)
