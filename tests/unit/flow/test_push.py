"""Pushes when something comes between: another worker was first, the record has gone, a lost lease.

What goes well is shown in ``tests/journeys/delivery/test_push.py``.
"""

import asyncio
import secrets
from dataclasses import dataclass, field, replace

import pytest

from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due.delivery import CallbackDelivery
from ciba_service.flow.granting.push import Pushes
from ciba_service.ports import (
    Callback,
    CallbackProgress,
    Decided,
    DueKind,
    DueWork,
    OutboundRequest,
    OutboundResponse,
    PendingCallback,
    Push,
    SignerUnavailable,
    StoredGrant,
    StoredRequest,
    Transaction,
)
from ciba_service.protocol.names import DeliveryMode
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.transaction.callbacks import AbandonReason, CallbackState
from ciba_service.protocol.transaction.state import State
from ciba_service.sca.phones.devices import user_tag
from tests.contracts.store_builders import granted
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.flow.test_delivery import SHOP, Registry

WORK = DueWork(DueKind.CALLBACK, "transaction", 1)
OURS = Push(body='{"access_token":"theirs"}', until=2**60)


@dataclass
class Store:
    """The stores of one callback: ``found`` says what each look at it finds, the last for ever.

    There is a grant unless it was ended.
    """

    found: list[PendingCallback | None]
    transaction: Transaction | None = None
    leases: list[bool] = field(default_factory=lambda: [True])
    leased_until: int = 0
    noted: list[CallbackProgress] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)

    async def find(self, transaction_id: str, *, now: int) -> PendingCallback | None:
        """What is next."""
        assert (transaction_id, now > 0) == ("transaction", True)
        return self.found.pop(0) if len(self.found) > 1 else self.found[0]

    async def read(self, transaction_id: str, *, now: int = 0) -> Transaction | StoredGrant | None:
        """The transaction, or, without an instant, the grant."""
        assert transaction_id == "transaction"
        if now:
            return self.transaction
        return None if self.ended else StoredGrant(granted(), None, None)

    async def finish(self, work: DueWork) -> None:
        """Remember that it is done with."""
        self.finished.append(work.transaction_id)

    async def end(self, transaction_id: str) -> bool:
        """Remember what was ended."""
        self.ended.append(transaction_id)
        return True

    async def extend(self, work: DueWork, *, until: int) -> bool:
        """Whether the lease is still held."""
        assert (work.transaction_id, until > 0) == ("transaction", True)
        self.leased_until = until
        return self.leases.pop(0) if len(self.leases) > 1 else self.leases[0]

    async def note(self, work: DueWork, progress: CallbackProgress, *, now: int) -> bool:
        """Remember, if it is told under the lease that is held."""
        assert work.lease_until > now
        is_held = work.lease_until == self.leased_until
        if is_held:
            self.noted.append(progress)
        return is_held


@dataclass
class Outside:
    """``ports.Outbound`` that takes whatever is sent."""

    sent: list[bytes] = field(default_factory=list)
    status: int = 204

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """Take it."""
        assert request.body is not None
        self.sent.append(request.body)
        return OutboundResponse(status=self.status)


APPROVED = Transaction(
    transaction_id="transaction",
    client_id="shop",
    user_tag=user_tag("alice"),
    state=State.APPROVED,
    request=StoredRequest(
        subject="alice", scope=("openid",), acr="acr", factors=(), challenge="challenge"
    ),
    expires_at=2**60,
    decided=Decided(
        device_id="phone",
        operation="decision",
        challenge_hash="hash",
        acr="acr",
        amr=(),
        auth_time=1,
    ),
)


class Index:
    """An index of accesses in which nothing is looked up here."""

    async def ended(self, grant: Grant, *, now: int) -> None:
        """The place is given up."""
        assert (grant, now > 0) == (granted(), True)


class Completing:
    """A completion behind an open gate, without a signer."""

    async def lets_redeem(self, _: Grant) -> bool:
        """The gate is open."""
        return True

    async def mint(self, *_: object) -> None:
        """Nobody signs now."""
        raise SignerUnavailable("away")


@dataclass
class Scene:
    """A delivery of one push."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    outside: Outside = field(default_factory=Outside)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    completion: object = field(default_factory=Completing)

    def delivery(self) -> CallbackDelivery:
        """The step, over fakes of our own ports."""
        pushes = Pushes(
            transactions=self.store,  # type: ignore[arg-type]
            callbacks=self.store,
            completion=self.completion,  # type: ignore[arg-type]
            grants=self.store,  # type: ignore[arg-type]
            index=Index(),  # type: ignore[arg-type]
            new_operation=lambda: "operation",
            clock=self.clock,
            telemetry=self.telemetry,
        )
        return CallbackDelivery(
            due=self.store,  # type: ignore[arg-type]
            callbacks=self.store,
            pushes=pushes,
            gate=AccountGate(users=None, clients=Registry(SHOP), devices=None, attempts=None),  # type: ignore[arg-type]
            outbound=self.outside,
            timeout=4_000,
            random=secrets.token_bytes,
            clock=self.clock,
            telemetry=self.telemetry,
        )


def pending(state: State, *, push: Push | None = None, attempts: int = 0) -> PendingCallback:
    """A push about a transaction that stands so."""
    return PendingCallback(
        transaction_id="transaction",
        client_id="shop",
        callback=Callback("auth_req_id", "token", DeliveryMode.PUSH),
        attempts=attempts,
        deadline=2**60,
        state=state,
        push=push,
    )


async def test_whoever_was_slower_sends_what_the_faster_one_made():
    """The tokens that count are those that were stored, whoever sends them."""
    first, then = pending(State.APPROVED), pending(State.REDEEMED, push=OURS)
    scene = Scene(Store([first, first, then]))
    await scene.delivery().deliver(WORK)
    assert scene.outside.sent == [OURS.body.encode()]
    assert [progress.state for progress in scene.store.noted] == [CallbackState.DELIVERED]


async def test_what_another_has_delivered_is_told_nobody():
    """Minted here, delivered there: nothing is left to be told."""
    approved = pending(State.APPROVED)
    scene = Scene(Store([approved, approved, None]))
    await scene.delivery().deliver(WORK)
    assert scene.outside.sent == []
    assert [progress.reason for progress in scene.store.noted] == [AbandonReason.NOTHING_TO_TELL]
    assert scene.store.ended == []


async def test_what_is_gone_when_its_turn_comes_is_finished():
    """Cancelled, or delivered by another, while it stood in line."""
    scene = Scene(Store([pending(State.APPROVED), None]))
    await scene.delivery().deliver(WORK)
    assert (scene.outside.sent, scene.store.noted) == ([], [])
    assert scene.store.finished == ["transaction"]


@pytest.mark.parametrize("state", [State.REDEEMED, State.CANCELLED])
async def test_a_transaction_without_an_answer_is_told_nobody(state: State):
    """Its tokens were ended, or the client itself ended it."""
    scene = Scene(Store([pending(state)]))
    await scene.delivery().deliver(WORK)
    assert scene.outside.sent == []
    assert [progress.reason for progress in scene.store.noted] == [AbandonReason.NOTHING_TO_TELL]


async def test_tokens_made_before_a_crash_are_not_sent_when_they_are_over():
    """Not even once: they were stored, nobody had sent them, and their time has passed."""
    stored = pending(State.REDEEMED, push=Push(OURS.body, until=1))
    scene = Scene(Store([replace(stored, deadline=1)]))
    await scene.delivery().deliver(WORK)
    assert scene.outside.sent == []
    assert [progress.reason for progress in scene.store.noted] == [AbandonReason.TOO_LATE]
    assert scene.store.ended == ["transaction"]


async def test_whoever_lost_the_lease_ends_no_grant():
    """Another process may be delivering its tokens at this moment."""
    scene = Scene(Store([pending(State.REDEEMED, push=OURS)], leases=[True, False]))
    scene.outside.status = 403
    await scene.delivery().deliver(WORK)
    assert (scene.store.ended, scene.store.noted) == ([], [])


async def test_what_a_client_refuses_after_a_while_is_given_up_at_once(
    monkeypatch: pytest.MonkeyPatch,
):
    """The grant ends under a lease that is new by then, and under that one it is written down."""
    scene = Scene(Store([pending(State.REDEEMED, push=OURS)]))

    async def refuse(_: OutboundRequest) -> OutboundResponse:
        scene.clock.advance(2)
        return OutboundResponse(status=403)

    monkeypatch.setattr(scene.outside, "send", refuse)
    await scene.delivery().deliver(WORK)
    assert scene.store.ended == ["transaction"]
    assert scene.store.noted == [
        CallbackProgress(CallbackState.ABANDONED, 1, reason=AbandonReason.REFUSED, status=403)
    ]


async def test_a_signer_that_is_away_ends_no_delivery():
    """It is reported, and the lease brings the work back."""
    scene = Scene(Store([pending(State.APPROVED)], transaction=APPROVED))
    delivery = scene.delivery()
    running = asyncio.create_task(delivery.run())
    delivery.take(WORK)
    await scene.telemetry.failed("callback_failed")
    assert (scene.outside.sent, scene.store.noted) == ([], [])
    running.cancel()
    await asyncio.wait({running})
