"""What follows on the web phone from each message of a service, right or wrong."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from playwright.async_api import Page

from tests.browser.conftest import PageOpener
from tests.browser.phone_core.core_phone import rules_served
from tests.browser.watched import Watch
from tests.browser.web_phone import WebPhone
from tests.unit.authenticator_sim.scripted_service import (
    DEVICE_ID,
    ISSUER,
    NOW_MS,
    PIN,
    ScriptedBank,
)

WINDOW_MS = (180 + 600) * 1000
MADE = """async ([answer, pin]) => {
  const { completeEnrolment, enrolmentAnswer, newEnrolment } = await import("/core/enrolment.js");
  const { newDenial } = await import("/core/decisions.js");
  const { Device, Untrusted } = await import("/core/device.js");
  const { parseFrame } = await import("/core/messages.js");
  const { parseJson } = await import("/core/json.js");
  const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));
  if (answer === null) {
    const who = { issuer: "http://127.0.0.1:9", activationCode: "K7QM-2RXP-9D4T", name: "Web" };
    globalThis.pending = await newEnrolment(who, { now: 0, randomBytes });
    return pending.body;
  }
  const read = enrolmentAnswer(parseJson(answer));
  const identity = await completeEnrolment(pending, read, { pin, randomBytes });
  globalThis.device = new Device(Device.fresh(identity), randomBytes);
  globalThis.shown = (more) => ({
    ...more,
    open: device.requests.open.map((each) => [each.challenge.transactionId, each.step]),
    outcomes: Object.fromEntries(device.requests.takeOutcomes()),
    news: device.kept.noticed.list.map(({ type, reason }) => reason ? `${type} ${reason}` : type),
    locked: device.locked,
    waits: device.identity.approvalUntil !== null,
    newcomers: device.others.newcomers.length,
  });
  globalThis.hear = async ([frame, now]) => {
    try {
      return shown({ replies: await device.receive(parseFrame(frame), now) });
    } catch (error) {
      return shown({ untrusted: error instanceof Untrusted });
    }
  };
  globalThis.deny = async ([name, now, reason]) => {
    const challenge = device.requests.decidable(name, now);
    const decision = await newDenial(challenge, reason, device.means(now));
    device.requests.submit(challenge, decision);
    device.requests.step(name, "unsure");
    return decision;
  };
  globalThis.restart = () => {
    globalThis.device = new Device(structuredClone(device.kept), randomBytes);
    return shown({});
  };
}"""


@dataclass
class PageDevice:
    """A device in the page, whose clock is right."""

    page: Page
    bank: ScriptedBank

    async def hear(self, type_: str, *, now: int = NOW_MS, **members: Any) -> dict[str, Any]:
        """Let it receive a message; what there is afterwards."""
        frame = msgspec.json.encode({"type": type_, **members}).decode()
        result: dict[str, Any] = await self.page.evaluate("hear", [frame, now])
        return result

    async def greet(self) -> dict[str, Any]:
        """Begin a connection."""
        await self.page.evaluate("device.beginConnection()")
        (reply,) = (await self.hear("hello", issuer=ISSUER, nonce="n"))["replies"]
        self.bank.verify_session(reply["proof"], nonce="n")
        return await self.hear("welcome", device_id=DEVICE_ID, server_time=NOW_MS)

    async def deny(self, name: str, reason: str = "declined") -> dict[str, Any]:
        """Decline; the decision has no outcome yet."""
        decision: dict[str, Any] = await self.page.evaluate("deny", [name, NOW_MS, reason])
        return decision

    async def expire(self, now: int) -> dict[str, Any]:
        """Look at the clock."""
        result: dict[str, Any] = await self.page.evaluate(
            "(now) => { device.expire(now); return shown({}); }", now
        )
        return result


@pytest.fixture
async def device(
    web_phone: WebPhone, open_page: PageOpener, watch: Watch
) -> AsyncIterator[PageDevice]:
    """A phone that waits for approval."""
    watch.expect("favicon")
    bank = ScriptedBank()
    async with rules_served(web_phone, ISSUER) as address:
        page = await open_page(address)
        body = await page.evaluate(MADE, [None, None])
        answer = bank.enrol(body.encode(), approval_until=NOW_MS // 1000 + 900)
        await page.evaluate(MADE, [msgspec.json.encode(answer).decode(), PIN])
        yield PageDevice(page, bank)


async def test_a_decision_is_kept_until_its_outcome_is_known(device: PageDevice):
    """Through restarts, answers to others, withdrawals and bad times, for ten minutes at most."""
    bank = device.bank
    assert not (await device.greet())["waits"]
    offered = await device.hear("challenge", challenge=bank.offer("A" * 22))
    assert offered["replies"] == [{"type": "received", "transaction_id": "A" * 22}]
    await device.hear("challenge", challenge=bank.offer("tx-2"))
    decision = await device.deny("A" * 22)
    outcome = {"transaction_id": "A" * 22, "decision": decision["jti"]}
    for type_, members in (
        ("accepted", {**outcome, "decision": "another", "verdict": "deny"}),
        ("accepted", {**outcome, "transaction_id": "tx-2", "verdict": "deny"}),
        ("refused", {**outcome, "reason": "unavailable"}),
        ("withdrawn", {"transaction_id": "A" * 22, "reason": "decided"}),
        ("fetched", {"open": ["tx-2"]}),
    ):
        heard = await device.hear(type_, **members)
        assert heard["outcomes"] == {}
        assert heard["open"] == [["A" * 22, "unsure"], ["tx-2", "open"]]
    other = await device.hear("accepted", **outcome, verdict="approve")
    assert other["untrusted"]
    assert (await device.page.evaluate("restart()"))["open"] == [["A" * 22, "unsure"]]
    again = {"type": "decide", "decision": decision["token"]}
    assert (await device.greet())["replies"] == [again]
    heard = await device.hear("accepted", **outcome, verdict="deny")
    assert (heard["outcomes"], heard["open"]) == ({"A" * 22: {"outcome": "denied"}}, [])
    assert (await device.hear("challenge", challenge=bank.offer("A" * 22)))["open"] == []
    await device.hear("challenge", challenge=bank.offer("tx-3"))
    await device.deny("tx-3")
    assert (await device.expire(NOW_MS + WINDOW_MS - 1))["open"] == [["tx-3", "unsure"]]
    expired = await device.expire(NOW_MS + WINDOW_MS)
    assert (expired["outcomes"], expired["open"]) == ({"tx-3": {"outcome": "unknown"}}, [])
    assert expired["news"][0] == "answer_void unknown"


async def test_an_answer_that_does_not_count_is_told(device: PageDevice):
    """Once, whoever has stopped looking at the request; and what is not known is called so."""
    bank = device.bank
    await device.greet()
    for reason in ("not_open", "invalid_decision", "locked"):
        await device.hear("challenge", challenge=bank.offer(reason))
        decision = await device.deny(reason)
        answer = {"transaction_id": reason, "decision": decision["jti"], "reason": reason}
        heard = await device.hear("refused", **answer)
        assert heard["news"][0] == f"answer_void {reason}"
    await device.hear("challenge", challenge=bank.offer("tx-4"))
    await device.deny("tx-4")
    heard = await device.page.evaluate(
        "(now) => { device.requests.forgetUnanswered(now); return shown({}); }", NOW_MS
    )
    assert heard["outcomes"]["tx-4"] == {"outcome": "unknown"}
    assert heard["news"][0] == "answer_void unknown"
    assert len(heard["news"]) == 4


async def test_not_me_that_is_heeded_late_counts(device: PageDevice):
    """Whatever was said of the request meanwhile: the service has heard it; so says the phone."""
    bank = device.bank
    await device.greet()
    for name, reason in (("tx-1", "cancelled"), ("tx-2", None)):
        await device.hear("challenge", challenge=bank.offer(name))
        decision = await device.deny(name, "not_me")
        if reason is not None:
            await device.hear("withdrawn", transaction_id=name, reason=reason)
        answer = {"transaction_id": name, "decision": decision["jti"], "reason": "not_open"}
        heard = await device.hear("refused", **answer, reported=True)
        assert heard["outcomes"] == {name: {"outcome": "denied"}}
        assert (heard["open"], heard["news"]) == ([], [])
    await device.hear("challenge", challenge=bank.offer("tx-3"))
    decision = await device.deny("tx-3")
    answer = {"transaction_id": "tx-3", "decision": decision["jti"], "reason": "not_open"}
    assert (await device.hear("refused", **answer, reported=True))["news"] == [
        "answer_void not_open"
    ]


async def test_a_request_that_was_taken_back_while_it_was_answered(device: PageDevice):
    """The user is told why, if the answer came too late, and of a wrong factor in any case."""
    bank = device.bank
    await device.greet()
    for name, reason, expected in (
        ("tx-1", "not_open", {"outcome": "withdrawn", "reason": "cancelled"}),
        ("tx-2", "factors", {"outcome": "refused", "reason": "factors"}),
        ("tx-3", "locked", {"outcome": "refused", "reason": "locked"}),
    ):
        await device.hear("challenge", challenge=bank.offer(name))
        decision = await device.deny(name)
        await device.hear("withdrawn", transaction_id=name, reason="cancelled")
        answer = {"transaction_id": name, "decision": decision["jti"], "reason": reason}
        heard = await device.hear("refused", **answer)
        assert heard["outcomes"][name].items() >= expected.items()
        assert heard["open"] == []
    assert heard["locked"]
    assert heard["news"] == [
        "answer_void locked",
        "request_withdrawn cancelled",
        "request_withdrawn cancelled",
    ]


async def test_what_cannot_be_believed_is_told_and_not_shown(device: PageDevice):
    """Forged challenges and keys once each; a challenge in place of another; a second greeting."""
    bank, stranger = device.bank, ScriptedBank()
    await device.greet()
    forged = stranger.offer("tx-1")
    for _ in range(2):
        assert (await device.hear("challenge", challenge=forged))["news"] == [
            "challenge_ignored not_authentic"
        ]
    late = bank.offer("tx-0", exp=NOW_MS // 1000)
    assert len((await device.hear("challenge", challenge=late))["news"]) == 1
    await device.hear("challenge", challenge=bank.offer("tx-1"))
    heard = await device.hear("challenge", challenge=bank.offer("tx-1"))
    assert heard["news"][0] == "challenge_ignored replaced"
    assert heard["open"] == [["tx-1", "open"]]
    for _ in range(2):
        heard = await device.hear("keys", announcements=[forged])
        assert heard["news"][0] == "keys_ignored"
    assert len(heard["news"]) == 3
    for type_, members in (
        ("hello", {"issuer": ISSUER, "nonce": "n"}),
        ("welcome", {"device_id": "another", "server_time": NOW_MS}),
    ):
        assert (await device.hear(type_, **members))["untrusted"]
    await device.page.evaluate("device.beginConnection()")
    foreign = await device.hear("hello", issuer="https://attacker.example", nonce="n")
    assert foreign["untrusted"]
    await device.greet()
    heard = await device.hear("fetched", open=[])
    assert (heard["open"], heard["news"][0]) == ([], "request_withdrawn gone")


async def test_news_of_other_phones_are_told_once(device: PageDevice):
    """However often they are said; what is old does not say that factors are locked now."""
    await device.greet()
    other = {"device_id": "B" * 43, "name": "Tablet"}
    key = "C" * 43
    times = {"since": NOW_MS // 1000, "until": NOW_MS // 1000 + 900}
    assert (await device.hear("device_waiting", **other, key=key, **times))["newcomers"] == 1
    await device.page.evaluate("device.beginConnection()")
    assert (await device.hear("fetched", open=[]))["newcomers"] == 0
    passkey = {"passkey_id": "D" * 22}
    old = NOW_MS // 1000 - 3600
    for _ in range(2):
        await device.hear("device_enrolled", **other)
        await device.hear("device_revoked", **other, at=old)
        await device.hear("device_rejected", **other)
        await device.hear("passkey_added", **other, **passkey)
        await device.hear("passkey_removed", **other, **passkey, at=old)
        heard = await device.hear("attempts_warning", **other, attempts_left=0, at=old)
    assert heard["news"] == [
        "attempts_warning",
        "passkey_removed",
        "passkey_added",
        "device_rejected",
        "device_revoked",
        "device_enrolled",
    ]
    assert not heard["locked"]
    now = NOW_MS // 1000
    heard = await device.hear("attempts_warning", **other, attempts_left=0, at=now)
    assert heard["locked"]
    own = {"device_id": DEVICE_ID, "name": "Web"}
    await device.hear("passkeys", registered=["D" * 22], rp_id="localhost")
    await device.hear("passkey_removed", **own, **passkey)
    assert await device.page.evaluate("device.identity.passkeys") == []
    await device.hear("device_renamed", device_id=DEVICE_ID, name="Old")
    assert await device.page.evaluate("device.identity.name") == "Old"
    await device.hear("device_revoked", **own)
    assert await device.page.evaluate("device.hasGivenUp")


async def test_who_is_asked_anew_is_not_locked_any_more(device: PageDevice):
    """The service asks nobody who is locked; what it had asked before says nothing of it."""
    await device.greet()
    now = NOW_MS // 1000
    warning = {"device_id": "B" * 43, "name": "Tablet", "attempts_left": 0, "at": now}
    assert (await device.hear("attempts_warning", **warning))["locked"]
    asked_before = device.bank.offer("tx-1", iat=now - 5)
    assert (await device.hear("challenge", challenge=asked_before))["locked"]
    asked_since = device.bank.offer("tx-2", iat=now + 5)
    assert not (await device.hear("challenge", challenge=asked_since, now=NOW_MS + 5000))["locked"]


SHOWN = """async () => {
  const { Prompts } = await import("/core/prompts.js");
  const added = (prompts, transactionId, digest) => {
    try {
      return prompts.add({ transactionId, digest });
    } catch (error) {
      return error.reason;
    }
  };
  const read = new Prompts([]);
  const told = [added(read, "read", "one")];
  for (let number = 0; number < 10_100; number += 1) {
    added(read, `further-${number}`, "d");
    read.close(`further-${number}`);
  }
  told.push(added(read, "read", "another"), read.find("read").challenge.digest);
  const many = new Prompts([]);
  const taken = Array.from({ length: 300 }, (_, number) => added(many, `tx-${number}`, "d"));
  return [...told, taken.filter(Boolean).length, many.open.length];
}"""


async def test_what_is_on_the_screen_is_never_forgotten(device: PageDevice):
    """However many challenges follow, and no more than some are there at a time."""
    assert await device.page.evaluate(SHOWN) == [True, "replaced", "one", 200, 200]


CROWDED = """async () => {
  const { Noticeboard, NOTHING_NOTICED } = await import("/core/noticeboard.js");
  const board = new Noticeboard(NOTHING_NOTICED);
  board.tellOnce("one", { type: "device_enrolled", deviceId: "B", name: "Tablet" }, 0);
  for (let number = 1; number <= 100; number += 1) {
    const over = { transactionId: `tx-${number}`, client: "Shop", reason: "cancelled" };
    board.tell({ type: "request_withdrawn", ...over }, number);
  }
  const { list } = board.kept;
  for (let number = 1; number <= 100; number += 1) {
    board.tell({ type: "keys_pinned" }, number);
  }
  const types = new Set(board.kept.list.map(({ type }) => type));
  return [list.length, list[0].at, list.at(-1).type, board.kept.list.length, [...types]];
}"""


async def test_whoever_asks_often_pushes_no_warning_off_the_board(device: PageDevice):
    """A client may ask as often as there is room for notices: its own go first."""
    crowded = await device.page.evaluate(CROWDED)
    assert crowded == [50, 100, "device_enrolled", 50, ["keys_pinned"]]


FLOODED = """async () => {
  const { Socket } = await import("/connection/socket.js");
  globalThis.WebSocket = class {
    constructor() { globalThis.wire = this; }
    close() { this.closed = true; }
  };
  const socket = new Socket("wss://op.example");
  for (let number = 0; number < 3_000; number += 1) {
    wire.onmessage({ data: '{"type":"fetched","open":[]}' });
  }
  for (let heard = 0; ; heard += 1) {
    try {
      await socket.next();
    } catch (error) {
      return [heard, wire.closed, error.name];
    }
  }
}"""


async def test_who_says_more_than_can_be_heard_is_hung_up_on(device: PageDevice):
    """Frames that wait to be read do not fill the memory of the page."""
    assert await device.page.evaluate(FLOODED) == [1_000, True, "Closed"]
