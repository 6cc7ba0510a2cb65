"""The phone without input or output, message by message."""

import os

import pytest
from msgspec import structs

from authenticator_sim.core.deciding.challenges import (
    ChallengeRefusal,
    ChallengeRefused,
    VerifiedChallenge,
)
from authenticator_sim.core.deciding.prompts import Prompts
from authenticator_sim.core.device import HISTORY_LENGTH, Device, Reaction
from authenticator_sim.core.events import (
    ChallengeIgnored,
    ChallengeShown,
    Closed,
    Connected,
    Decided,
    DecisionPostponed,
    DecisionRefused,
    DecisionUnconfirmed,
    FetchCompleted,
    HandleNotMade,
    HandleShown,
    OrderPostponed,
    OtherDeviceEnrolled,
    Withdrawal,
)
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import (
    Pin,
    PinKey,
    parse_pin,
    unwrap_pin_key,
)
from authenticator_sim.errors import MissingFactor, NotOpen, UntrustedService
from ciba_service.sca.messages import (
    Accepted,
    Authenticate,
    ChallengeOffered,
    Decide,
    DenialReason,
    DeviceEnrolled,
    DeviceRemoved,
    Factor,
    Fetched,
    GiveOrder,
    HandleMade,
    HandleRefusal,
    HandleRefused,
    Hello,
    MakeHandle,
    OrderAction,
    OrderCarriedOut,
    OrderRefusal,
    OrderRefused,
    RefusalReason,
    Verdict,
    Welcome,
    Withdrawn,
    WithdrawnReason,
)
from tests.unit.authenticator_sim.scripted_service import (
    DEVICE_ID,
    HANDLE,
    ISSUER,
    NOW_MS,
    PIN,
    ScriptedBank,
    accepted,
    refused,
)

OTP = "492039"


def show(device: Device, token: str, now_ms: int = NOW_MS) -> Reaction:
    """Offer a challenge."""
    return device.receive(ChallengeOffered(token), now_ms=now_ms)


def connect(device: Device, server_time: int = NOW_MS, now_ms: int = NOW_MS) -> Reaction:
    """Begin a connection and return what follows from the welcome."""
    device.begin_connection()
    device.receive(Hello(ISSUER, "n1"), now_ms=now_ms)
    return device.receive(Welcome(DEVICE_ID, server_time), now_ms=now_ms)


def deny(device: Device, transaction: str = "tx-1") -> Decide:
    """Decline a challenge."""
    return device.deny(transaction, reason=DenialReason.DECLINED, now_ms=NOW_MS)


def test_the_phone_signs_the_nonce_of_its_own_service(device: Device, bank: ScriptedBank) -> None:
    """The proof is bound to device, issuer and nonce."""
    (message,) = device.receive(Hello(ISSUER, "n1"), now_ms=NOW_MS).messages
    assert isinstance(message, Authenticate)
    assert bank.verify_session(message.proof, nonce="n1")["iat"] == NOW_MS // 1000


def test_a_handle_is_shown_to_whoever_asked_for_it(device: Device) -> None:
    """Once for each question, and none that nobody asked for or that a new connection brings."""
    made = HandleMade(HANDLE, 180)
    assert device.receive(made, now_ms=NOW_MS) == Reaction()
    assert device.ask_for_handle() == MakeHandle()
    assert device.receive(made, now_ms=NOW_MS).events == (HandleShown(HANDLE, 180),)
    assert device.receive(made, now_ms=NOW_MS) == Reaction()
    device.ask_for_handle()
    refused_handle = HandleRefused(HandleRefusal.LOCKED)
    assert device.receive(refused_handle, now_ms=NOW_MS).events == (
        HandleNotMade(HandleRefusal.LOCKED),
    )
    device.ask_for_handle()
    device.begin_connection()
    assert device.receive(made, now_ms=NOW_MS) == Reaction()
    assert HANDLE not in repr(made)


def test_two_proofs_differ(device: Device, bank: ScriptedBank) -> None:
    """Each proof has its own random ``jti``."""
    proofs = [device.session_proof(Hello(ISSUER, "n"), now_ms=NOW_MS) for _ in range(2)]
    first, second = (bank.verify_session(proof, nonce="n")["jti"] for proof in proofs)
    assert first != second


def test_nothing_is_signed_for_another_issuer(device: Device) -> None:
    """A service that names another issuer gets no proof."""
    with pytest.raises(UntrustedService):
        device.receive(Hello("https://attacker.example", "n1"), now_ms=NOW_MS)


def test_one_connection_gets_one_proof(device: Device) -> None:
    """The phone is no signing machine."""
    device.receive(Hello(ISSUER, "n1"), now_ms=NOW_MS)
    with pytest.raises(UntrustedService):
        device.receive(Hello(ISSUER, "n2"), now_ms=NOW_MS)
    device.begin_connection()
    assert device.receive(Hello(ISSUER, "n3"), now_ms=NOW_MS).messages


def test_a_welcome_must_be_for_this_phone(device: Device) -> None:
    """Neither for another device nor before the proof."""
    with pytest.raises(UntrustedService):
        device.receive(Welcome(DEVICE_ID, NOW_MS), now_ms=NOW_MS)
    device.receive(Hello(ISSUER, "n1"), now_ms=NOW_MS)
    with pytest.raises(UntrustedService):
        device.receive(Welcome("other", NOW_MS), now_ms=NOW_MS)


def test_a_welcome_is_told(device: Device) -> None:
    """Connected; nothing to send again."""
    assert connect(device) == Reaction(events=(Connected(DEVICE_ID),))


def test_a_challenge_is_shown_once(device: Device, bank: ScriptedBank) -> None:
    """However often it is sent, on one connection or the next."""
    content = bank.challenge()
    token = bank.sign(content)
    assert show(device, token).events == (ChallengeShown("tx-1", content, 180),)
    assert show(device, token) == Reaction()
    connect(device)
    assert show(device, token) == Reaction()
    assert [c.transaction_id for c in device.open_challenges(now_ms=NOW_MS)] == ["tx-1"]


def test_what_was_shown_is_never_replaced(device: Device, bank: ScriptedBank) -> None:
    """A second challenge for the same transaction is ignored, even if authentic."""
    first, second = bank.offer(), bank.offer()
    show(device, first)
    assert show(device, second).events == (ChallengeIgnored(ChallengeRefusal.REPLACED),)
    assert bank.verify_decision(deny(device).decision, challenge=first)


def test_what_is_on_the_screen_is_never_forgotten(bank: ScriptedBank) -> None:
    """However many challenges follow: the user would read one text and sign another."""
    content = bank.challenge()
    prompts = Prompts(())
    assert prompts.add(VerifiedChallenge(content, digest="read"))
    for number in range(10_100):
        name = f"further-{number}"
        further = structs.replace(content, transaction_id=name)
        assert prompts.add(VerifiedChallenge(further, digest="d"))
        assert prompts.close(name)
    with pytest.raises(ChallengeRefused):
        prompts.add(VerifiedChallenge(content, digest="another"))


def test_no_more_than_some_are_on_the_screen(bank: ScriptedBank) -> None:
    """A service that never ends asking cannot fill the memory of the phone."""
    content = bank.challenge()
    prompts = Prompts(())
    for number in range(300):
        further = structs.replace(content, transaction_id=f"tx-{number}")
        assert prompts.add(VerifiedChallenge(further, digest="d")) is (number < 200)
    assert len(prompts.open(now_ms=NOW_MS)) == 200
    assert prompts.close("tx-0")
    further = structs.replace(content, transaction_id="tx-299")
    assert prompts.add(VerifiedChallenge(further, digest="d"))


def test_a_forged_challenge_is_told_and_not_shown(device: Device, bank: ScriptedBank) -> None:
    """The user hears that something was wrong."""
    events = show(device, bank.offer(iss="https://attacker.example")).events
    assert events == (ChallengeIgnored(ChallengeRefusal.ANOTHER_ISSUER),)
    assert device.open_challenges(now_ms=NOW_MS) == ()


def test_the_service_says_what_time_it_is(device: Device, bank: ScriptedBank) -> None:
    """A phone whose clock is ten minutes fast still shows what is open, and no more."""
    fast = NOW_MS + 600_000
    connect(device, server_time=NOW_MS, now_ms=fast)
    (shown,) = show(device, bank.offer(), now_ms=fast).events
    assert isinstance(shown, ChallengeShown)
    assert shown.seconds_left == 180
    challenge = device.find_challenge("tx-1", now_ms=fast)
    assert challenge is not None
    assert device.seconds_left(challenge, now_ms=fast) == 180
    assert device.find_challenge("tx-1", now_ms=fast + 180_000) is None


def test_an_approval_carries_exactly_the_factors_asked_for(
    device: Device, identity: DeviceIdentity, bank: ScriptedBank
) -> None:
    """PIN proof and one-time code are encrypted to the service, and verify there."""
    token = bank.offer()
    show(device, token)
    pin_key = unwrap_pin_key(identity.pin_key, Pin(PIN))
    decide = device.approve("tx-1", pin_key=pin_key, otp=OTP, now_ms=NOW_MS)
    verified = bank.verify_decision(decide.decision, challenge=token)
    assert verified.claims["verdict"] == "approve"
    assert verified.claims["transaction_id"] == "tx-1"
    assert "reason" not in verified.claims
    assert verified.proofs == {
        "jti": verified.claims["jti"],
        "pin_proof": bank.expected_pin_proof(verified.claims),
        "otp": OTP,
    }


def test_a_wrong_pin_gives_a_wrong_proof_and_no_error(
    device: Device, identity: DeviceIdentity, bank: ScriptedBank
) -> None:
    """Only the service can tell."""
    token = bank.offer()
    show(device, token)
    pin_key = unwrap_pin_key(identity.pin_key, Pin("482915"))
    decide = device.approve("tx-1", pin_key=pin_key, otp=OTP, now_ms=NOW_MS)
    verified = bank.verify_decision(decide.decision, challenge=token)
    assert verified.proofs is not None
    assert verified.proofs["pin_proof"] != bank.expected_pin_proof(verified.claims)


def test_factors_that_are_not_asked_for_stay_on_the_phone(
    device: Device, bank: ScriptedBank
) -> None:
    """A challenge for the device key alone reveals neither PIN proof nor code."""
    token = bank.offer(factors=(Factor.DEVICE_KEY,))
    show(device, token)
    decide = device.approve("tx-1", pin_key=PinKey(bytes(32)), otp=OTP, now_ms=NOW_MS)
    verified = bank.verify_decision(decide.decision, challenge=token)
    assert verified.proofs == {"jti": verified.claims["jti"]}


def test_each_decision_uses_a_fresh_ephemeral_key(device: Device, bank: ScriptedBank) -> None:
    """Two approvals share neither ephemeral key nor ``jti``."""
    seen = set()
    for name in ("tx-1", "tx-2"):
        token = bank.offer(name, factors=(Factor.DEVICE_KEY,))
        show(device, token)
        decide = device.approve(name, pin_key=None, otp=None, now_ms=NOW_MS)
        verified = bank.verify_decision(decide.decision, challenge=token)
        assert verified.ephemeral_key is not None
        seen |= {verified.ephemeral_key["x"], verified.claims["jti"]}
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("pin_key", "otp"), [(None, OTP), (PinKey(bytes(32)), None)], ids=["no PIN", "no code"]
)
def test_an_approval_without_a_factor_is_not_made(
    device: Device, bank: ScriptedBank, pin_key: PinKey | None, otp: str | None
) -> None:
    """The challenge stays open, and nothing is sent."""
    show(device, bank.offer())
    with pytest.raises(MissingFactor):
        device.approve("tx-1", pin_key=pin_key, otp=otp, now_ms=NOW_MS)
    assert device.resend("tx-1") is None
    assert device.find_challenge("tx-1", now_ms=NOW_MS) is not None


MATCHED = (Factor.DEVICE_KEY, Factor.VERIFICATION_CODE)


@pytest.mark.clause("nist63b-3.1.3.1-7")
def test_the_code_of_the_other_device_travels_encrypted(device: Device, bank: ScriptedBank) -> None:
    """With the other factors, and only where it is asked for."""
    token = bank.offer(factors=MATCHED)
    show(device, token)
    with pytest.raises(MissingFactor):
        device.approve("tx-1", pin_key=None, otp=None, now_ms=NOW_MS)
    decide = device.approve(
        "tx-1", pin_key=None, otp=None, verification_code="042187", now_ms=NOW_MS
    )
    verified = bank.verify_decision(decide.decision, challenge=token)
    assert verified.proofs == {"jti": verified.claims["jti"], "verification_code": "042187"}


@pytest.mark.parametrize("reason", list(DenialReason))
def test_a_denial_carries_a_reason_and_no_factors(
    device: Device, bank: ScriptedBank, reason: DenialReason
) -> None:
    """As the protocol page says."""
    token = bank.offer()
    show(device, token)
    decide = device.deny("tx-1", reason=reason, now_ms=NOW_MS)
    verified = bank.verify_decision(decide.decision, challenge=token)
    assert verified.claims["verdict"] == "deny"
    assert verified.claims["reason"] == reason
    assert verified.proofs is None


def test_what_is_not_open_is_not_decided(device: Device, bank: ScriptedBank) -> None:
    """Unknown, expired, withdrawn and already answered requests get no signature."""
    with pytest.raises(NotOpen):
        deny(device)
    show(device, bank.offer(exp=NOW_MS // 1000 + 10))
    with pytest.raises(NotOpen):
        device.deny("tx-1", reason=DenialReason.DECLINED, now_ms=NOW_MS + 10_000)
    deny(device)
    with pytest.raises(NotOpen, match="has been answered"):
        deny(device)


def test_an_accepted_decision_closes_the_prompt_and_enters_the_history(
    device: Device, bank: ScriptedBank
) -> None:
    """The event tells what was decided."""
    content = bank.challenge()
    show(device, bank.sign(content))
    decision = deny(device).decision
    (decided,) = device.receive(accepted(decision), now_ms=NOW_MS + 5).events
    expected = Decided("tx-1", Verdict.DENY, NOW_MS + 5, content, DenialReason.DECLINED)
    assert decided == expected
    assert device.history == (expected,)
    assert device.open_challenges(now_ms=NOW_MS) == ()
    assert device.receive(accepted(decision), now_ms=NOW_MS) == Reaction()


def test_the_history_keeps_the_last_fifty(device: Device, bank: ScriptedBank) -> None:
    """Older decisions are forgotten first."""
    for number in range(HISTORY_LENGTH + 2):
        name = f"tx-{number}"
        show(device, bank.offer(name))
        device.receive(accepted(deny(device, name).decision), now_ms=NOW_MS)
    assert HISTORY_LENGTH == 50
    assert [entry.transaction_id for entry in device.history] == [
        f"tx-{number}" for number in range(2, 52)
    ]


def test_what_an_earlier_run_decided_is_not_shown_again(
    device: Device, identity: DeviceIdentity, bank: ScriptedBank
) -> None:
    """The history carries over to the next run."""
    token = bank.offer()
    show(device, token)
    device.receive(accepted(deny(device).decision), now_ms=NOW_MS)
    next_run = Device(identity, random_bytes=os.urandom, history=device.history)
    assert show(next_run, token) == Reaction()
    assert next_run.history == device.history


def test_wrong_factors_leave_the_challenge_open(device: Device, bank: ScriptedBank) -> None:
    """The user sees the attempts left and may try again with a new decision."""
    show(device, bank.offer())
    first = deny(device).decision
    outcome = refused(first, reason=RefusalReason.FACTORS, attempts_left=4)
    events = device.receive(outcome, now_ms=NOW_MS).events
    assert events == (DecisionRefused("tx-1", RefusalReason.FACTORS, 4),)
    assert deny(device).decision != first


@pytest.mark.parametrize(
    "reason", [RefusalReason.LOCKED, RefusalReason.NOT_OPEN, RefusalReason.INVALID_DECISION]
)
def test_a_final_refusal_closes_the_challenge(
    device: Device, bank: ScriptedBank, reason: RefusalReason
) -> None:
    """Trying again would not help."""
    show(device, bank.offer())
    outcome = refused(deny(device).decision, reason=reason)
    assert device.receive(outcome, now_ms=NOW_MS).events == (DecisionRefused("tx-1", reason),)
    assert device.open_challenges(now_ms=NOW_MS) == ()
    assert device.history == ()


def test_not_me_that_is_heeded_late_counts(device: Device, bank: ScriptedBank) -> None:
    """Made offline, and sent when the request is over: the client is blocked, the user told so."""
    show(device, bank.offer())
    said = device.deny("tx-1", reason=DenialReason.NOT_ME, now_ms=NOW_MS)
    connect(device, server_time=NOW_MS + 200_000)
    device.receive(Fetched(()), now_ms=NOW_MS)
    outcome = structs.replace(refused(said.decision, reason=RefusalReason.NOT_OPEN), reported=True)
    (decided,) = device.receive(outcome, now_ms=NOW_MS).events
    assert isinstance(decided, Decided)
    assert (decided.verdict, decided.reason) == (Verdict.DENY, DenialReason.NOT_ME)
    assert device.history == (decided,)
    with pytest.raises(NotOpen):
        device.report("tx-1", now_ms=NOW_MS)


def test_only_not_me_can_be_heeded_late(device: Device, bank: ScriptedBank) -> None:
    """Whatever the service says of another answer: that one does not count."""
    show(device, bank.offer())
    outcome = refused(deny(device).decision, reason=RefusalReason.NOT_OPEN)
    events = device.receive(structs.replace(outcome, reported=True), now_ms=NOW_MS).events
    assert events == (DecisionRefused("tx-1", RefusalReason.NOT_OPEN),)


@pytest.mark.parametrize("reason", [WithdrawnReason.CANCELLED, WithdrawnReason.EXPIRED])
def test_not_me_may_be_said_of_a_request_that_is_over(
    device: Device, bank: ScriptedBank, reason: WithdrawnReason
) -> None:
    """Once, and as long as the service heeds it."""
    token = bank.offer()
    show(device, token)
    with pytest.raises(NotOpen):
        device.report("tx-1", now_ms=NOW_MS)
    device.receive(Withdrawn("tx-1", reason), now_ms=NOW_MS)
    last = (NOW_MS // 1000 + 180 + 600) * 1000
    assert device.find_over("tx-1", now_ms=last) is None
    said = device.report("tx-1", now_ms=last - 1)
    claims = bank.verify_decision(said.decision, challenge=token).claims
    assert (claims["verdict"], claims["reason"]) == ("deny", "not_me")
    with pytest.raises(NotOpen):
        device.report("tx-1", now_ms=last - 1)
    assert connect(device).messages == (said,)


@pytest.mark.parametrize("reason", [WithdrawnReason.DECIDED, WithdrawnReason.FAILED])
def test_what_ended_by_an_answer_is_not_reported_late(
    device: Device, bank: ScriptedBank, reason: WithdrawnReason
) -> None:
    """The service would not heed it."""
    show(device, bank.offer())
    device.receive(Withdrawn("tx-1", reason), now_ms=NOW_MS)
    assert device.find_over("tx-1", now_ms=NOW_MS) is None


def test_not_me_that_is_not_heeded_is_not_asked_for_again(
    device: Device, bank: ScriptedBank
) -> None:
    """The request had been answered on another phone while this one was away, say."""
    show(device, bank.offer())
    device.receive(Withdrawn("tx-1", WithdrawnReason.EXPIRED), now_ms=NOW_MS)
    said = device.report("tx-1", now_ms=NOW_MS)
    device.receive(refused(said.decision, reason=RefusalReason.NOT_OPEN), now_ms=NOW_MS)
    assert device.find_over("tx-1", now_ms=NOW_MS) is None


def test_the_last_fifty_that_are_over_may_be_reported(device: Device, bank: ScriptedBank) -> None:
    """A client that asks and cancels for ever does not fill the memory of the phone."""
    for number in range(51):
        show(device, bank.offer(f"tx-{number}"))
        cancelled = Withdrawn(f"tx-{number}", WithdrawnReason.CANCELLED)
        device.receive(cancelled, now_ms=NOW_MS)
    assert device.find_over("tx-0", now_ms=NOW_MS) is None
    assert device.find_over("tx-1", now_ms=NOW_MS)


def test_an_unavailable_service_gets_the_same_decision_again(
    device: Device, bank: ScriptedBank
) -> None:
    """The decision is kept, to the byte."""
    show(device, bank.offer())
    decide = deny(device)
    outcome = refused(decide.decision, reason=RefusalReason.UNAVAILABLE)
    assert device.receive(outcome, now_ms=NOW_MS).events == (DecisionPostponed("tx-1"),)
    assert device.resend("tx-1") == decide


def test_an_unanswered_decision_begins_the_next_connection(
    device: Device, bank: ScriptedBank
) -> None:
    """The identical bytes, since a resent decision gets its first outcome."""
    show(device, bank.offer())
    decide = deny(device)
    assert connect(device).messages == (decide,)
    assert connect(device).messages == (decide,)


def test_a_decision_nobody_will_answer_any_more_is_dropped(
    device: Device, bank: ScriptedBank
) -> None:
    """The service answers until ten minutes after expiry; the user hears that nobody has."""
    show(device, bank.offer())
    decide = deny(device)
    last = (NOW_MS // 1000 + 180 + 600) * 1000
    assert connect(device, server_time=last - 1).messages == (decide,)
    reaction = connect(device, server_time=last)
    assert reaction.messages == ()
    assert reaction.events[1:] == (DecisionUnconfirmed("tx-1", "Corner Shop"),)
    assert connect(device, server_time=last).events[1:] == ()


def test_after_a_malformed_frame_the_phone_sends_nothing_old(
    device: Device, bank: ScriptedBank
) -> None:
    """It mends itself, and the user may decide anew."""
    show(device, bank.offer())
    deny(device)
    assert device.forget_unanswered() == (DecisionUnconfirmed("tx-1", "Corner Shop"),)
    assert connect(device).messages == ()
    assert deny(device)


def test_an_outcome_of_another_decision_changes_nothing(device: Device, bank: ScriptedBank) -> None:
    """Only the ``jti`` of the pending decision counts."""
    show(device, bank.offer())
    decide = deny(device)
    device.receive(Accepted("tx-1", "other", Verdict.DENY), now_ms=NOW_MS)
    assert device.resend("tx-1") == decide


def test_a_verdict_the_phone_did_not_sign_is_an_alarm(device: Device, bank: ScriptedBank) -> None:
    """The service may not turn a denial into an approval."""
    show(device, bank.offer())
    outcome = accepted(deny(device).decision)
    turned = Accepted(outcome.transaction_id, outcome.decision, Verdict.APPROVE)
    with pytest.raises(UntrustedService, match="another verdict"):
        device.receive(turned, now_ms=NOW_MS)
    assert device.history == ()


@pytest.mark.parametrize("reason", list(WithdrawnReason))
def test_a_withdrawn_challenge_leaves_the_screen(
    device: Device, bank: ScriptedBank, reason: WithdrawnReason
) -> None:
    """And is not shown again; what was never shown is not mentioned."""
    token = bank.offer()
    show(device, token)
    message = Withdrawn("tx-1", reason)
    (closed,) = device.receive(message, now_ms=NOW_MS).events
    assert closed == Closed("tx-1", Withdrawal(reason.value))
    assert device.receive(message, now_ms=NOW_MS) == Reaction()
    assert show(device, token) == Reaction()
    with pytest.raises(NotOpen):
        deny(device)


def test_what_is_no_longer_listed_after_a_reconnect_is_gone(
    device: Device, bank: ScriptedBank
) -> None:
    """A withdrawal that was missed offline is made good; what was just offered stays."""
    offers = {name: bank.offer(name) for name in ("kept", "listed", "gone", "new")}
    for name in ("kept", "listed", "gone"):
        show(device, offers[name])
    connect(device)
    for name in ("kept", "new"):
        show(device, offers[name])
    events = device.receive(Fetched(("listed",)), now_ms=NOW_MS).events
    assert events == (Closed("gone", Withdrawal.GONE), FetchCompleted(("listed",)))
    names = [challenge.transaction_id for challenge in device.open_challenges(now_ms=NOW_MS)]
    assert names == ["kept", "listed", "new"]


def test_an_expired_challenge_is_closed(device: Device, bank: ScriptedBank) -> None:
    """At the next fetch the screen is tidied."""
    show(device, bank.offer())
    events = device.receive(Fetched(()), now_ms=NOW_MS + 180_000).events
    assert events == (Closed("tx-1", Withdrawal.EXPIRED), FetchCompleted(()))


def test_a_further_phone_is_announced(device: Device) -> None:
    """The user may not have enrolled it."""
    events = device.receive(DeviceEnrolled("d2", "Tablet"), now_ms=NOW_MS).events
    assert events == (OtherDeviceEnrolled("d2", "Tablet"),)


def test_the_memory_of_shown_challenges_is_bounded(bank: ScriptedBank) -> None:
    """After ten thousand further transactions the first is forgotten."""
    challenges = [
        VerifiedChallenge(bank.challenge(f"tx-{number}"), f"digest {number}")
        for number in range(10_001)
    ]
    prompts = Prompts(())
    for challenge in challenges:
        assert prompts.add(challenge)
        assert prompts.close(challenge.transaction_id)
    assert not prompts.add(challenges[-1])
    assert prompts.add(challenges[0])


def test_what_happened_to_another_phone_is_told_once(device: Device) -> None:
    """The service says it again for days; what happened to another is another word."""
    for message, count in (
        (DeviceEnrolled("tablet", "Tablet"), 1),
        (DeviceEnrolled("tablet", "Tablet", 7), 0),
        (DeviceRemoved("tablet", "Tablet", 8), 1),
        (DeviceRemoved("tablet", "Tablet"), 0),
    ):
        assert len(device.receive(message, now_ms=NOW_MS).events) == count


def test_an_answer_to_no_order_of_this_phone_says_nothing(device: Device) -> None:
    """Nothing is settled by it."""
    for message in (
        OrderCarriedOut("other", OrderAction.CHANGE_PIN),
        OrderRefused("other", OrderRefusal.STALE),
    ):
        assert device.receive(message, now_ms=NOW_MS).events == ()


def test_an_order_stays_until_its_outcome_is_known(device: Device) -> None:
    """``unavailable`` is none; the pending key is then taken or dropped, and the old one kept."""
    old = device.identity.pin_key
    for outcome in (OrderCarriedOut, OrderRefused):
        pending = device.order_pin(
            parse_pin("738261"), pin_key=PinKey(bytes(32)), nonce="nonce", now_ms=NOW_MS
        )
        assert device.pending_order() == GiveOrder(pending.order)
        later = OrderRefused(pending.jti, OrderRefusal.UNAVAILABLE)
        assert device.receive(later, now_ms=NOW_MS).events == (OrderPostponed(pending.jti),)
        assert device.identity.pending_pin == pending
        if outcome is OrderCarriedOut:
            done = OrderCarriedOut(pending.jti, OrderAction.CHANGE_PIN)
            device.receive(done, now_ms=NOW_MS)
            assert device.identity.pin_key == pending.pin_key != old
            old = pending.pin_key
        else:
            device.receive(OrderRefused(pending.jti, OrderRefusal.STALE), now_ms=NOW_MS)
            assert device.identity.pin_key == old
        assert device.pending_order() is None
