"""The automation endpoint over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from authenticator_sim.automation import Automation
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import Connected, Listening, NotDecided
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import UsageError
from authenticator_sim.journal import Journal
from authenticator_sim.loopback import listen_on_loopback
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import (
    ChallengeOffered,
    Decide,
    Factor,
    RefusalReason,
    ServiceMessage,
    Shown,
    Withdrawn,
    WithdrawnReason,
    transaction_id,
)
from tests.unit.authenticator_sim.doubles import Ears, FakeClock
from tests.unit.authenticator_sim.scripted_service import (
    PATIENCE_SECONDS,
    PIN,
    ScriptedBank,
    refused,
)

AUTH_REQ_ID = "tR3f_auth-req-id.of_43_characters_0123456789"
TRANSACTION = transaction_id(AUTH_REQ_ID)


class Outbox:
    """Takes decisions."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Decide] = asyncio.Queue()
        self.receipts: list[Shown] = []

    async def tell(self, receipt: Shown) -> None:
        """Keep it."""
        self.receipts.append(receipt)

    async def submit(self, decide: Decide) -> None:
        """Keep a decision."""
        self.sent.put_nowait(decide)


@dataclass
class Automated:
    """A phone that does what HTTP tells it."""

    device: Device
    automation: Automation
    outbox: Outbox
    clock: FakeClock
    bank: ScriptedBank
    http: httpx2.AsyncClient

    def hear(self, message: ServiceMessage) -> None:
        """Let the service say something."""
        for event in self.device.receive(message, now_ms=self.clock.now_ms()).events:
            self.automation.notice(event)

    def offer(self, name: str = TRANSACTION, **changes: object) -> str:
        """Offer a challenge."""
        token = self.bank.offer(name, **changes)
        self.hear(ChallengeOffered(token))
        return token

    async def order(self, action: str = "allow", **headers: str) -> httpx2.Response:
        """Order a decision."""
        parameters = {"auth_req_id": AUTH_REQ_ID, "action": action}
        return await self.http.post("/decide", params=parameters, headers=headers)

    async def decision(self) -> str:
        """Let the second pass and wait for the decision."""
        await self.clock.until_asleep(1.0)
        self.clock.advance(1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.outbox.sent.get()).decision


@pytest.fixture
async def automated(
    device: Device, bank: ScriptedBank, clock: FakeClock, ears: Ears, tmp_path: Path
) -> AsyncIterator[Automated]:
    """Open the endpoint on a free port."""
    outbox = Outbox()
    phone = Phone(device, channel=outbox, clock=clock, journal=Journal(tmp_path))
    automation = Automation(phone, listener=listen_on_loopback(0), pin=Pin(PIN), report=ears.report)
    task = asyncio.create_task(automation.run())
    port = (await ears.next(Listening)).port
    base = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=base, trust_env=False) as http:
        yield Automated(device, automation, outbox, clock, bank, http)
    task.cancel()
    await asyncio.wait({task})


async def test_allow_approves_one_second_after_the_answer(automated: Automated) -> None:
    """202 first; nothing is sent before the second is over."""
    token = automated.offer()
    answer = await automated.order()
    assert answer.status_code == 202
    assert answer.json() == {"transaction_id": TRANSACTION, "action": "allow"}
    await automated.clock.until_asleep(1.0)
    automated.clock.advance(0.9)
    assert automated.outbox.sent.empty()
    automated.clock.advance(0.1)
    async with asyncio.timeout(PATIENCE_SECONDS):
        decision = (await automated.outbox.sent.get()).decision
    verified = automated.bank.verify_decision(decision, challenge=token)
    assert verified.claims["verdict"] == "approve"
    assert verified.proofs is not None
    assert verified.proofs["pin_proof"] == automated.bank.expected_pin_proof(verified.claims)


async def test_deny_declines(automated: Automated) -> None:
    """With the reason ``declined``."""
    token = automated.offer()
    assert (await automated.order("deny")).status_code == 202
    claims = automated.bank.verify_decision(await automated.decision(), challenge=token).claims
    assert (claims["verdict"], claims["reason"]) == ("deny", "declined")


async def test_an_order_may_bring_the_code_of_the_other_device(automated: Automated) -> None:
    """Where the challenge asks for it; without it nothing is sent, and the order may come again."""
    token = automated.offer(factors=(Factor.DEVICE_KEY, Factor.VERIFICATION_CODE))
    query = {"auth_req_id": AUTH_REQ_ID, "action": "allow", "verification_code": "042187"}
    answer = await automated.http.post("/decide", params=query)
    assert answer.status_code == 202
    decision = await automated.decision()
    verified = automated.bank.verify_decision(decision, challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["verification_code"] == "042187"


async def test_nothing_is_decided_untold(automated: Automated) -> None:
    """A challenge alone moves nothing, and an order for one leaves the other alone."""
    automated.offer("another")
    automated.offer()
    await automated.order()
    await automated.decision()
    assert automated.outbox.sent.empty()


async def test_an_order_may_come_before_its_challenge(automated: Automated) -> None:
    """The answer waits for it, whatever else arrives meanwhile."""
    order = asyncio.create_task(automated.order())
    await automated.clock.until_asleep(10.0)
    automated.offer("another")
    automated.automation.notice(Connected("d"))
    automated.clock.advance(9)
    automated.offer()
    assert (await order).status_code == 202
    assert await automated.decision()


async def test_after_ten_seconds_without_the_challenge_it_is_404(automated: Automated) -> None:
    """As JSON."""
    order = asyncio.create_task(automated.order())
    await automated.clock.until_asleep(10.0)
    automated.clock.advance(10)
    answer = await order
    assert answer.status_code == 404
    assert answer.json() == {"error": "no open challenge"}


async def test_one_challenge_is_ordered_once(automated: Automated) -> None:
    """A second order is a conflict, until the first decision was refused."""
    automated.offer()
    await automated.order()
    assert (await automated.order("deny")).status_code == 409
    first = await automated.decision()
    automated.hear(refused(first, reason=RefusalReason.FACTORS, attempts_left=4))
    assert (await automated.order("deny")).status_code == 202
    assert await automated.decision() != first


async def test_what_closes_within_the_second_is_told(automated: Automated, ears: Ears) -> None:
    """The order comes to nothing."""
    automated.offer()
    await automated.order()
    await automated.clock.until_asleep(1.0)
    automated.hear(Withdrawn(TRANSACTION, WithdrawnReason.CANCELLED))
    automated.clock.advance(1)
    assert (await ears.next(NotDecided)).transaction_id == TRANSACTION


@pytest.mark.parametrize(
    "query",
    [
        "",
        "auth_req_id=x",
        "action=allow",
        "auth_req_id=x&action=allow&action=deny",
        "auth_req_id=x&auth_req_id=y&action=allow",
        "auth_req_id=x&action=allow&pin=1",
        "auth_req_id=x&action=allow&verification_code=1&verification_code=2",
        "auth_req_id=x&action=allow&verification_code=",
        "auth_req_id=&action=allow",
        "auth_req_id=x&action=ALLOW",
        "auth_req_id=%C3%BC&action=allow",
        "auth_req_id=" + "x" * 257 + "&action=allow",
    ],
)
async def test_bad_parameters_are_400(automated: Automated, query: str) -> None:
    """As JSON, at once, without repeating what was sent."""
    answer = await automated.http.post(f"/decide?{query}")
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert "xxx" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/decide", 405), ("POST", "/", 404)]
)
async def test_other_requests_get_json_too(
    automated: Automated, method: str, path: str, status: int
) -> None:
    """Wrong method, wrong path."""
    answer = await automated.http.request(method, path)
    assert answer.status_code == status
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "headers", [{"Host": "attacker.example"}, {"Origin": "https://attacker.example"}]
)
async def test_a_web_page_cannot_order(automated: Automated, headers: dict[str, str]) -> None:
    """A browser on this machine names its page or the name it resolved."""
    automated.offer()
    assert (await automated.order(**headers)).status_code == 403
    assert automated.outbox.sent.empty()


async def test_the_auth_req_id_is_never_logged(
    automated: Automated, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """At no level, by nobody on this side."""
    with caplog.at_level(logging.DEBUG):
        automated.offer()
        await automated.order()
        await automated.decision()
    server_side = [
        record for record in caplog.records if not record.name.startswith(("httpx2", "httpcore2"))
    ]
    assert AUTH_REQ_ID not in "".join(record.getMessage() for record in server_side)
    assert AUTH_REQ_ID not in "".join(capfd.readouterr())


async def test_the_port_is_open_on_loopback_only(automated: Automated) -> None:
    """The address is not reachable from outside."""
    listener = automated.automation._listener
    assert listener.getsockname()[0] == "127.0.0.1"


def test_a_taken_port_is_said(unused_tcp_port: int) -> None:
    """Before the phone connects."""
    refusal = pytest.raises(UsageError, match=f"Port {unused_tcp_port} of this machine")
    with listen_on_loopback(unused_tcp_port), refusal:
        listen_on_loopback(unused_tcp_port)
