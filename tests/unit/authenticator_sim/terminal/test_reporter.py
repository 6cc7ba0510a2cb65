"""What a person reads, and what a program reads."""

import io
import json
from typing import get_args

import msgspec
import pytest

from authenticator_sim.core.deciding.challenges import ChallengeRefusal
from authenticator_sim.core.deciding.rules import Action
from authenticator_sim.core.events import (
    AccessListCompleted,
    AccessNotFound,
    AccessShown,
    AccessStopped,
    ApprovalAwaited,
    AttemptsRunOut,
    ChallengeIgnored,
    ChallengeShown,
    Closed,
    Connected,
    Decided,
    DecisionPostponed,
    DecisionRefused,
    DecisionUnconfirmed,
    DeviceListCompleted,
    DeviceShown,
    Disconnected,
    Enrolled,
    Event,
    FetchCompleted,
    FetchFailed,
    HandleNotMade,
    HandleShown,
    InvitationShown,
    KeysIgnored,
    KeysPinned,
    Listening,
    NameNotTaken,
    NotDecided,
    OrderDone,
    OrderNotDone,
    OrderPostponed,
    OtherDeviceEnrolled,
    OtherDeviceRevoked,
    OtherPasskeyAdded,
    OtherPasskeyRemoved,
    PasskeyForgotten,
    PasskeyInvited,
    PasskeyListCompleted,
    PasskeyNotFound,
    PasskeyNotOffered,
    PasskeyShown,
    PhoneNotWaiting,
    PhoneRejected,
    PhoneStopped,
    PhoneWaiting,
    PushIgnored,
    PushListening,
    Renamed,
    RuleApplied,
    StopReason,
    ThisDeviceRevoked,
    WakeUpKept,
    WakeUpNotKept,
    WakeUpStopped,
    WakeUpWays,
    Withdrawal,
    Woken,
)
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from authenticator_sim.terminal.look.rich_look import RichLook
from authenticator_sim.terminal.look.tones import Tone, tone_of
from authenticator_sim.terminal.reporter import JsonReporter, TextReporter
from authenticator_sim.terminal.wording.sentences import sentence
from ciba_service.sca.messages import (
    CreationOptions,
    DenialReason,
    HandleRefusal,
    OrderAction,
    OrderRefusal,
    PasskeyParameters,
    PasskeyRefusal,
    RefusalReason,
    RelyingPartyName,
    ShownDetail,
    ShownLine,
    UserName,
    Verdict,
    WakeUpRefusal,
)
from tests.unit.authenticator_sim.scripted_service import NOW_MS, ScriptedBank
from tests.unit.authenticator_sim.terminal.visible import visible, words

CHALLENGE = ScriptedBank().challenge()

ACCESS = AccessShown(
    "tx-1",
    "Sh\x1bop",
    ("Your identity",),
    since=1_795_230_000,
    until=1_797_822_000,
    details=(
        ShownDetail(
            "Account information",
            (ShownLine("actions", "Will be shared", ("Balances",), worded=True),),
        ),
    ),
)

OPTIONS = CreationOptions(
    rp=RelyingPartyName("op\x1b.example", "The Bank"),
    user=UserName("u", "alice", "alice"),
    challenge="c",
    pub_key_cred_params=(PasskeyParameters(-7),),
    timeout=240_000,
    exclude_credentials=(),
)

SENTENCES: list[tuple[Event, str]] = [
    (
        PhoneWaiting("d", "Tab\x1blet", "482913", until=1),
        "WARNING: another phone wants to be yours: Tab<U+001B>let.\n  d",
    ),
    (
        AttemptsRunOut("d", "Tablet", 1, at=1),
        "WARNING: wrong PINs or codes on Tablet: one attempt is left for all phones.",
    ),
    (
        AttemptsRunOut("d", "Tablet", 0, at=1),
        "WARNING: locked after too many wrong PINs or codes, the last on Tablet.",
    ),
    (PhoneRejected("d", "Tablet"), "The phone Tablet was turned away."),
    (PhoneNotWaiting("d"), "No phone d waits any more."),
    (
        ApprovalAwaited("d", "482913", until=1),
        "Approve this phone on another one of yours: enter the code 482 913 there.",
    ),
    (
        InvitationShown("o", "K7QM-2RXP-9D4T", "https://op.example#K7QM-2RXP-9D4T", 600),
        """Activation code  K7QM-2RXP-9D4T
As a QR code     https://op.example#K7QM-2RXP-9D4T
Good for one phone within 600 s; then approve it here.""",
    ),
    (
        ACCESS,
        (
            "Access tx-1\n"
            "  Client:  Sh<U+001B>op\n"
            "  Since:   2026-11-21 03:00:00Z\n"
            "  Until:   2026-12-21 03:00:00Z, or later if it is used before\n"
            "    - Your identity\n"
            "\n"
            "  Account information\n"
            "    Will be shared:\n"
            "      - Balances\n"
        ),
    ),
    (AccessListCompleted(()), "No client has access that lasts."),
    (AccessListCompleted(("tx-1",)), ""),
    (AccessStopped("tx-1"), "Access tx-1 has ended."),
    (AccessNotFound("tx-\x1b1"), "There is no access tx-<U+001B>1."),
    (
        DeviceShown("d", "Ta<\x1bblet", NOW_MS // 1000, this=True),
        "d  2026-11-21 03:00:00Z  Ta<<U+001B>blet  (this phone)",
    ),
    (DeviceShown("d", "Tablet", 0, this=False), "d  1970-01-01 00:00:00Z  Tablet"),
    (DeviceListCompleted(("d",)), ""),
    (
        OtherDeviceRevoked("d", "Tab\x1blet"),
        "WARNING: another phone of yours was revoked: Tab<U+001B>let.",
    ),
    (ThisDeviceRevoked(), "This phone is revoked."),
    (Renamed("New"), "This phone is called New now."),
    (
        NameNotTaken(),
        "The service does not take this name: letters, digits, single spaces, signs.",
    ),
    (OrderDone("o", OrderAction.CHANGE_PIN), "The PIN is changed."),
    (OrderDone("o", OrderAction.REVOKE_DEVICE), "The phone is revoked."),
    (OrderDone("o", OrderAction.ADD_PASSKEY), "The passkey is registered."),
    (PasskeyInvited(OPTIONS), "A passkey for op<U+001B>.example can be made."),
    (PasskeyNotOffered(PasskeyRefusal.DISABLED), "The service takes no passkeys."),
    (
        PasskeyNotOffered(PasskeyRefusal.TOO_MANY),
        "This phone has as many passkeys as it may have: remove one.",
    ),
    (
        PasskeyShown("p", NOW_MS // 1000, synced=True, backed_up=True),
        "p  2026-11-21 03:00:00Z  (synced)",
    ),
    (PasskeyShown("p", 0, synced=False, backed_up=False), "p  1970-01-01 00:00:00Z"),
    (PasskeyListCompleted(()), "This phone has no passkey."),
    (PasskeyListCompleted(("p",)), ""),
    (PasskeyForgotten("p"), "The passkey is removed."),
    (PasskeyNotFound("p"), "This phone has no such passkey."),
    (
        OtherPasskeyAdded("d", "Tab\x1blet", "p"),
        "WARNING: another phone of yours got a passkey: Tab<U+001B>let.",
    ),
    (
        OtherPasskeyRemoved("d", "Tablet", "p"),
        "A passkey of another phone of yours was removed: Tablet.",
    ),
    (
        OrderNotDone("o", OrderRefusal.FACTORS, 4),
        "Not done. The PIN was not right. Attempts left: 4.",
    ),
    (OrderNotDone("o", OrderRefusal.STALE), "Not done. It came too late: try once more."),
    (OrderPostponed("o"), "The service cannot do it now; it is asked again."),
    (WakeUpWays("key"), ""),
    (WakeUpKept(), "The service wakes this phone by push."),
    (
        WakeUpNotKept(WakeUpRefusal.ENDPOINT),
        "The service does not wake this phone by push: endpoint.",
    ),
    (WakeUpStopped(), "The service wakes this phone no more."),
    (PushListening(8090), "Push service of this phone: http://127.0.0.1:8090"),
    (Woken(), "Woken by a push."),
    (FetchFailed("Too far away."), "Nothing fetched: Too far away."),
    (PushIgnored("there is no TTL"), "WARNING: a push was ignored: there is no TTL."),
    (
        Enrolled("d", "https://op.example", "alice"),
        "Enrolled for alice at https://op.example as d.",
    ),
    (Listening(8099), "Automation endpoint: http://127.0.0.1:8099/decide"),
    (Connected("d"), "Connected."),
    (Disconnected(400, 4503), "Closed with 4503. Next attempt in 0.4 s."),
    (Disconnected(400), "Connection lost. Next attempt in 0.4 s."),
    (Disconnected(0, None, "Too slow."), "Too slow. Next attempt in 0.0 s."),
    (
        PhoneStopped(StopReason.REVOKED),
        "The service no longer knows this phone: enrol it anew.",
    ),
    (Closed("tx-1", Withdrawal.DECIDED), "Request tx-1 is closed: decided."),
    (Decided("tx-1", Verdict.APPROVE, NOW_MS, CHALLENGE), "Approved: Corner Shop."),
    (
        Decided("tx-1", Verdict.DENY, NOW_MS, CHALLENGE, DenialReason.NOT_ME),
        "Declined and reported: Corner Shop.",
    ),
    (
        DecisionRefused("tx-1", RefusalReason.FACTORS, 4),
        "Refused. The PIN, the passkey or a code was not right. Attempts left: 4.",
    ),
    (
        DecisionRefused("tx-1", RefusalReason.LOCKED),
        "Refused. Too many failed attempts: an operator must unlock this user.",
    ),
    (DecisionPostponed("tx-1"), "The service cannot take the decision now; it is sent again."),
    (
        DecisionUnconfirmed("tx-1", "Shop\x1b"),
        "Your answer to Shop<U+001B> was never confirmed: look there whether it counted.",
    ),
    (NotDecided("tx-1", "Too late."), "Not decided: Too late."),
    (RuleApplied("tx-1", "small\x1b", Action.WRONG_PIN), "By small<U+001B>: wrong_pin."),
    (
        ChallengeIgnored(ChallengeRefusal.NOT_AUTHENTIC),
        "WARNING: a request was not shown, since it cannot be trusted: not_authentic.",
    ),
    (
        OtherDeviceEnrolled("d2", "Tab\x1blet"),
        "WARNING: another phone was enrolled for you: Tab<U+001B>let.",
    ),
    (KeysPinned((), {}, 1), "The service has renewed its keys."),
    (
        KeysIgnored("it is older than what is known"),
        "WARNING: other keys were announced and not believed: it is older than what is known.",
    ),
    (
        HandleShown("ciba-handle:\x1bA", 180),
        "ciba-handle:<U+001B>A\nGood for one request within 180 s.",
    ),
    (
        HandleNotMade(HandleRefusal.LOCKED),
        "No handle. Too many failed attempts: an operator must unlock this user.",
    ),
    (HandleNotMade(HandleRefusal.DISABLED), "No handle. This user is disabled."),
    (FetchCompleted(()), "No open requests."),
    (FetchCompleted(("tx-1",)), ""),
]


@pytest.mark.parametrize(("event", "expected"), SENTENCES)
def test_every_event_is_a_sentence(event: Event, expected: str) -> None:
    """Foreign text in it is harmless; what nobody needs to know is silent."""
    assert sentence(event) == expected


@pytest.mark.parametrize(("event", "expected"), SENTENCES)
def test_a_terminal_shows_the_same_words(event: Event, expected: str) -> None:
    """With a sign before them, in frames where they must not be missed; a code is shown large."""
    drawn = RichLook(lambda: 80).event(event)
    if not expected:
        assert drawn == ""
        return
    assert words(expected) in words(drawn)
    tone = tone_of(event)
    framed = tone in {Tone.KEY, Tone.WARNING, Tone.ALARM}
    assert drawn.count("━" * 78) == (2 if framed else 0)
    assert expected.startswith("WARNING") <= (tone in {Tone.WARNING, Tone.ALARM})
    assert ("4 8 2   9 1 3" in drawn) is isinstance(event, ApprovalAwaited)


@pytest.mark.parametrize(
    ("event", "tone"),
    [
        (DecisionRefused("tx-1", RefusalReason.LOCKED), Tone.ALARM),
        (DecisionRefused("tx-1", RefusalReason.FACTORS, 3), Tone.REFUSED),
        (OrderNotDone("o", OrderRefusal.LOCKED), Tone.ALARM),
        (HandleNotMade(HandleRefusal.LOCKED), Tone.ALARM),
        (AttemptsRunOut("d", "Tablet", 0, at=1), Tone.ALARM),
        (AttemptsRunOut("d", "Tablet", 1, at=1), Tone.WARNING),
        (Decided("tx-1", Verdict.APPROVE, NOW_MS, CHALLENGE), Tone.DONE),
        (Decided("tx-1", Verdict.DENY, NOW_MS, CHALLENGE), Tone.DECLINED),
        (Closed("tx-1", Withdrawal.EXPIRED), Tone.OVER),
        (Woken(), Tone.NOTE),
    ],
)
def test_what_an_event_means_shows_at_a_glance(event: Event, tone: Tone) -> None:
    """A lock is an alarm, whoever caused it; approving and declining differ."""
    assert tone_of(event) is tone


@pytest.mark.parametrize("event", [event for event, _ in SENTENCES])
def test_every_event_is_one_json_object_a_line(event: Event) -> None:
    """Absent members are left out."""
    stream = io.StringIO()
    JsonReporter(stream).report(event)
    assert stream.getvalue().count("\n") == 1
    line = json.loads(stream.getvalue())
    assert isinstance(line["event"], str)
    assert None not in line.values()


EVERY_EVENT = [*(event for event, _ in SENTENCES), ChallengeShown("tx-1", CHALLENGE, 180)]


@pytest.mark.parametrize("event", EVERY_EVENT)
def test_every_line_can_be_read_back(event: Event) -> None:
    """A program in Python has the same types again."""
    stream = io.StringIO()
    JsonReporter(stream).report(event)
    assert msgspec.json.decode(stream.getvalue(), type=Event) == event


def test_the_lines_are_all_there_are() -> None:
    """No kind of event is left out of these tests."""
    assert {type(event) for event in EVERY_EVENT} == set(get_args(Event))


def test_a_program_reads_the_payment_as_it_is_displayed() -> None:
    """Payee, account and reference are members of their own."""
    stream = io.StringIO()
    JsonReporter(stream).report(ChallengeShown("tx-1", CHALLENGE, 180))
    display = json.loads(stream.getvalue())["challenge"]["display"]
    assert display["payee"] == "Corner Shop Ltd"
    assert display["payee_account"] == "DE89 3704 0044 0532 0130 00"
    assert display["remittance_information"] == "Invoice 4711"


@pytest.mark.parametrize("show", [True, False])
def test_a_new_challenge_is_shown_unless_a_dialogue_does(show: bool) -> None:  # noqa: FBT001
    """With its transaction id, for ``approve`` and ``deny``."""
    stream = io.StringIO()
    reporter = TextReporter(stream, show_challenges=show)
    reporter.report(ChallengeShown("tx-\n1", CHALLENGE, 65))
    text = stream.getvalue()
    assert text.startswith("Transaction tx-<U+000A>1\n") is show
    assert ("12.50 EUR" in text) is show
    assert ("1:05 min" in text) is show


@pytest.mark.parametrize("look", [PLAIN, RichLook(lambda: 80)])
def test_a_list_is_told_whole(look: Look) -> None:
    """As a table once all rows are there where the look has tables, else row by row."""
    stream = io.StringIO()
    reporter = TextReporter(stream, lists=True, look=look)
    reporter.report(ChallengeIgnored(ChallengeRefusal.MALFORMED))
    reporter.report(DeviceShown("d-1", "Tablet", 1_795_230_000, this=True))
    assert ("Tablet" in stream.getvalue()) is (look is PLAIN)
    reporter.report(DeviceShown("d-2", "Phone", 1_795_230_000, this=False))
    reporter.report(DeviceListCompleted(("Tablet", "Phone")))
    text = stream.getvalue()
    assert text.index("WARNING") < text.index("d-1") < text.index("d-2")
    assert ("Enrolled" in text) is not (look is PLAIN)


def test_a_list_of_nothing_is_no_table() -> None:
    """The sentence says it."""
    stream = io.StringIO()
    TextReporter(stream, lists=True, look=RichLook(lambda: 80)).report(FetchCompleted(()))
    assert visible(stream.getvalue()) == "· No open requests.\n"
