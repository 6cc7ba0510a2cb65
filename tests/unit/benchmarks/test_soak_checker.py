"""The checker: each violation in a history that has it, and none in one that just has not."""

import msgspec
import pytest

from benchmarks.soak.checker import judge
from benchmarks.soak.history import FAILOVER, NOBODY, Answered, Event, Kind, Lost, Sent
from benchmarks.soak.story import Bounds
from tests.unit.benchmarks.soak_histories import accepted as told_accepted
from tests.unit.benchmarks.soak_histories import (
    answered,
    approved,
    ask_lost,
    cancelled,
    killed,
    pushed,
    refused,
    sent,
    started,
    tokens,
    violations,
)

DENIED = [*started(), sent(1.0, Sent.DENIAL), told_accepted(1.1, "deny")]


@pytest.mark.parametrize(
    "events",
    [
        [*approved(), tokens(2.0), answered(3.0, Answered.INVALID)],
        [*DENIED, answered(2.0, Answered.DENIED), answered(3.0, Answered.DENIED)],
        [*started(expiry=12), answered(13.0, Answered.EXPIRED)],
        [*approved(), cancelled(2.0), answered(3.0, Answered.INVALID)],
        [*approved("ping"), Event(1.5, 1, Kind.PINGED, word="taken"), tokens(2.0)],
        [*approved("push"), pushed(1.5), pushed(7.0)],
        [*started(mode="push", expiry=12), pushed(13.0, detail="expired_token", number=0)],
        [*approved(), Event(2.0, 1, Kind.LEFT)],
        [*started(), sent(1.0, Sent.RIGHT), tokens(1.1), told_accepted(1.2)],
        [*started()[:1], Event(0.1, 1, Kind.START_LOST, word=Lost.VANISHED, since=0.0)],
        [*approved(), answered(1.2, Answered.PENDING, since=1.05), tokens(2.0)],
    ],
    ids=[
        "redeemed",
        "denied",
        "expired",
        "cancelled",
        "pinged",
        "pushed twice",
        "expiry pushed",
        "never asked",
        "redeemed before the phone knew",
        "never acknowledged",
        "asked before the phone knew",
    ],
)
def test_what_may_happen_is_no_violation(events: list[Event]):
    """Each way in which a flow may end."""
    assert violations(events) == []


def test_tokens_need_a_proved_approval_that_was_sent_before():
    """Neither a wrong PIN, nor a missing one, nor an approval that came later will do."""
    sentence = "tokens without a verified approval that was sent before"
    assert sentence in violations([*started(), tokens(2.0)])
    for what in (Sent.WRONG, Sent.MISSING):
        assert sentence in violations([*started(), sent(1.0, what), tokens(2.0)])
    late = [*started(), tokens(2.0), sent(2.1, Sent.RIGHT), told_accepted(2.2)]
    assert sentence in violations(late)


def test_two_sets_of_tokens_are_a_second_redemption():
    """However they arrived; the same ones twice are not."""
    assert "a second redemption: two sets of tokens" in violations(
        [*approved(), tokens(2.0), tokens(2.0, "t2", since=1.5)]
    )
    assert violations([*approved("push"), pushed(1.5), pushed(2.0)]) == []


def test_a_denial_never_turns_into_tokens():
    """Not even beside an approval."""
    found = violations([*DENIED, sent(1.5, Sent.RIGHT, "d2"), tokens(2.0)])
    assert "a denial turned into tokens" in found


@pytest.mark.parametrize("what", [Sent.WRONG, Sent.MISSING])
def test_an_approval_without_its_proof_is_never_accepted(what: Sent):
    """Whatever becomes of it afterwards."""
    (found,) = violations([*started(), sent(1.0, what), told_accepted(1.1), cancelled(2.0)])
    assert found.startswith("an approval was accepted that was not proved")


def test_only_one_decision_is_accepted():
    """A second one counts for nothing, and none that nobody sent."""
    twice = [*DENIED, sent(1.5, Sent.DENIAL, "d2"), told_accepted(1.6, "deny", "d2")]
    assert violations([*twice, answered(2.0, Answered.DENIED)]) == ["two decisions were accepted"]
    unsent = [*started(), told_accepted(1.0, "deny"), Event(2.0, 1, Kind.LEFT)]
    assert violations(unsent) == ["a decision was accepted that nobody sent"]


def test_an_approval_that_was_accepted_is_not_lost():
    """It ends in tokens unless something that happened explains it."""
    assert "an approval was lost" in violations([*approved(), answered(2.0, Answered.DENIED)])
    assert "an approval was lost" in violations([*approved("push"), pushed(2.0, "b", "x", 0)])
    assert violations([*approved(), answered(92.0, Answered.EXPIRED)]) == []
    assert "expired before its time" in violations([*approved(), answered(50.0, "expired_token")])


@pytest.mark.parametrize(
    ("lost", "world", "reason"),
    [
        (ask_lost(2.0, Lost.CONNECTION), [killed(2.0)], "its process died"),
        (ask_lost(2.0, Lost.VANISHED), [], "its client went away"),
        (ask_lost(2.0, Lost.UNAVAILABLE), [], "its store kept silent"),
    ],
)
def test_a_redemption_whose_answer_was_lost_is_counted_apart(
    lost: Event, world: list[Event], reason: str
):
    """By its reason, and only where the request that has no answer may have redeemed it."""
    events = [*approved(), lost, answered(3.0, Answered.INVALID)]
    judged = judge({1: events}, world)
    assert judged.violations == []
    assert judged.lost == {reason: 1}
    assert judged.ends == {"redeemed, but the answer was lost": 1}
    assert "invalid_grant for a request that nobody redeemed or cancelled" in violations(
        [*approved(), answered(1.5, Answered.INVALID), lost], *world
    )


def test_a_living_process_leaves_no_request_without_an_answer():
    """Neither one that was told to end nor one that was killed at another time, or elsewhere."""
    events = [*approved(), ask_lost(2.0, Lost.CONNECTION), tokens(3.0)]
    assert violations(events, killed(2.1)) == []
    sentence = "ask_lost: a process that was not killed left a request unanswered"
    for world in (killed(9.0), killed(2.0, process=1), Event(2.0, NOBODY, Kind.TERMINATED)):
        assert violations(events, world) == [sentence]


def test_the_last_word_is_the_last_word():
    """For whoever asks after having heard it; who asked before may hear the older one later."""
    ended = [*DENIED, answered(2.0, Answered.DENIED)]
    assert "authorization_pending after access_denied" in violations(
        [*ended, answered(3.0, Answered.PENDING)]
    )
    assert "expired_token after tokens" in violations(
        [*approved(), tokens(2.0), answered(95.0, Answered.EXPIRED)]
    )
    assert violations([*ended, answered(2.1, Answered.PENDING, since=1.05)]) == []


def test_whoever_asks_after_a_decision_was_accepted_is_not_told_pending():
    """The phone knows, so whoever asks now must not hear the past."""
    late = answered(1.3, Answered.PENDING, since=1.2)
    assert violations([*approved(), late, tokens(2.0)]) == ["pending after a decision was accepted"]


def test_what_was_cancelled_yields_nothing():
    """Whoever asks afterwards is told invalid_grant, and nothing else."""
    found = violations([*approved(), cancelled(2.0), tokens(3.0)])
    assert "tokens for a request that was cancelled before" in found
    assert violations([*approved(), tokens(2.05, since=1.5), cancelled(2.0)]) == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (answered(2.0, Answered.DENIED), "denied, though nobody denied it"),
        (answered(2.0, Answered.EXPIRED), "expired before its time"),
        (
            answered(2.0, Answered.INVALID),
            "invalid_grant for a request that nobody redeemed or cancelled",
        ),
    ],
)
def test_a_refusal_has_its_reason_in_the_history(answer: Event, sentence: str):
    """Nobody did anything here."""
    assert violations([*started(), answer]) == [sentence]


def test_a_clock_that_jumps_may_expire_what_is_young():
    """By as much as it jumped, and no more."""
    jumped = Event(0.0, NOBODY, Kind.CLOCK, number=15, process=2)
    early = [*started(expiry=20), answered(7.0, Answered.EXPIRED)]
    assert violations(early) == ["expired before its time"]
    assert violations(early, jumped) == []
    younger = [*started(expiry=20), answered(2.0, Answered.EXPIRED)]
    assert violations(younger, jumped) == ["expired before its time"]


def test_whose_clock_is_ahead_may_find_expired_what_others_do_not():
    """Until they all do."""
    jumped = Event(0.0, NOBODY, Kind.CLOCK, number=5, process=2)
    ahead = [*started(expiry=12), answered(8.0, Answered.EXPIRED)]
    behind = [*ahead, answered(9.0, Answered.PENDING), answered(20.0, Answered.EXPIRED)]
    assert violations(behind, jumped) == []
    for_good = [*started(expiry=12), answered(20.0, "expired_token"), answered(21.0, "slow_down")]
    assert violations(for_good, jumped) == ["slow_down after expired_token"]


def test_what_a_failover_may_take_is_counted_apart():
    """Without waiting for replicas anything; with it only what nobody had decided on."""
    world = [
        Event(1.5, NOBODY, Kind.STORE_FAILS, word=FAILOVER),
        Event(3.0, NOBODY, Kind.STORE_WORKS),
    ]
    undecided = [*started(), answered(4.0, Answered.INVALID)]
    decided = [*approved(), answered(4.0, Answered.INVALID)]
    for replicated, events, is_wrong in (
        (True, undecided, False),
        (True, decided, True),
        (False, undecided, False),
        (False, decided, False),
    ):
        judged = judge({1: events}, world, Bounds(replicated=replicated))
        assert bool(judged.violations) is is_wrong
        assert bool(judged.forgotten) is not is_wrong
    late = [msgspec.structs.replace(event, at=event.at + 10) for event in world]
    assert violations(undecided, *late) != []


def test_pushes_are_the_same_to_the_byte():
    """All attempts for a request."""
    events = [*approved("push"), pushed(1.5), pushed(2.0, body="b2")]
    assert violations(events) == ["two pushes that are not the same to the byte"]


def test_a_client_is_called_back_for_a_decision_and_in_time():
    """Not before there is one, and at the latest after the bound, outages of the store aside."""
    ping = Event(0.5, 1, Kind.PINGED, word="taken")
    assert violations([*started(mode="ping"), ping, sent(1.0, Sent.RIGHT), tokens(2.0)]) == [
        "a callback before any decision"
    ]
    silent = [*approved("ping"), tokens(50.0)]
    assert violations(silent) == ["no callback within 49 s of an approval"]
    away = [
        Event(5.0, NOBODY, Kind.STORE_FAILS),
        Event(11.0, NOBODY, Kind.STORE_WORKS),
    ]
    assert violations(silent, *away) == []
    assert violations([*approved("ping"), tokens(40.0)]) == []


def test_whoever_cancelled_is_not_called_back_for_the_first_time():
    """A call that was under way may still arrive."""
    told = [Event(2.1, 1, Kind.PINGED, word="taken"), Event(9.0, 1, Kind.PINGED, word="taken")]
    gone = [*approved("ping"), cancelled(2.0)]
    assert violations([*gone, told[0]]) == []
    assert violations([*gone, told[1]]) == ["a first callback after the request was cancelled"]


def test_a_decision_is_accepted_for_what_it_says():
    """A denial is no approval, and the other way round."""
    approval = [*started(), sent(1.0, Sent.RIGHT), told_accepted(1.1, "deny"), cancelled(2.0)]
    assert violations(approval) == ["a decision was accepted as another"]
    denial = [*started(), sent(1.0, Sent.DENIAL), told_accepted(1.1), cancelled(2.0)]
    assert "an approval was accepted that was not proved: deny" in violations(denial)


def test_whoever_asks_for_what_was_cancelled_is_told_so():
    """Not that it is pending, nor that it was denied."""
    late = answered(3.0, Answered.PENDING)
    assert violations([*started(), cancelled(2.0), late]) == [
        "a request that was cancelled is answered as if it were not"
    ]


def test_a_flow_has_an_end():
    """Unless its client went away, or never got an acknowledgement."""
    assert violations([*started(), answered(100.0, Answered.PENDING)]) == ["a flow without an end"]


def test_tokens_work_and_nothing_else_is_answered():
    """A token that is refused at once, and a status that there must not be."""
    unusable = Event(2.5, 1, Kind.USED, word="401", detail="t1", since=2.4)
    assert violations([*approved(), tokens(2.0), unusable]) == ["tokens that do not work"]
    odd = Event(2.5, 1, Kind.ODD, word="500 server_error", since=2.4)
    assert violations([*approved(), tokens(2.0), odd]) == [
        "an answer that must not be: 500 server_error"
    ]


def test_a_request_that_never_ends_is_told():
    """Whoever waits for longer than a service may take."""
    events = [*approved(), ask_lost(42.0, Lost.LATE, since=2.0), tokens(50.0)]
    assert violations(events) == ["ask_lost: no answer in time"]


# --- Wrong PINs ---


def guesses(*lefts: int) -> list[Event]:
    """So many wrong PINs, and the attempts that were left."""
    found = started()
    for number, left in enumerate(lefts):
        name, at = f"d{number}", 1.0 + number
        found += [sent(at, Sent.WRONG, name), refused(at + 0.5, left, name)]
    return [*found, Event(30.0, 1, Kind.LEFT)]


def test_attempts_count_down_to_the_lock():
    """Five wrong ones and no more; the same decision sent twice counts once."""
    assert violations(guesses(4, 3, 2, 1, 0)) == []
    again = [*guesses(4), refused(20.0, 4, "d0")]
    assert violations(again) == []


@pytest.mark.parametrize(
    ("lefts", "sentence"),
    [
        ((4, 4), "4 attempts left after 2 of 5"),
        ((4, 3, 2, 1, 0, 0), "factors were evaluated after they had been locked"),
    ],
)
def test_attempts_never_exceed_the_limit(lefts: tuple[int, ...], sentence: str):
    """Neither by one that is not counted nor by one after the lock."""
    assert sentence in violations(guesses(*lefts))


def test_a_success_gives_the_attempts_back():
    """And one that came too late may have, or not."""
    first = [*started(), sent(1.0, Sent.WRONG, "d0"), refused(1.5, 4, "d0")]
    second = [sent(2.0, Sent.RIGHT, "d1"), refused(2.5, -1, "d1", "not_open")]
    third = [sent(3.0, Sent.WRONG, "d2"), refused(3.5, 4, "d2"), Event(30.0, 1, Kind.LEFT)]
    assert violations([*first, *second, *third]) == []
    assert violations([*first, *third]) == ["4 attempts left after 2 of 5"]


def test_a_lock_that_a_success_is_about_to_lift_is_none():
    """What was tried before the success is forgotten a little later, and with it the lock."""
    again = [sent(9.0, Sent.RIGHT, "d9"), told_accepted(9.5, name="d9")]
    late = [sent(10.0, Sent.WRONG, "da"), refused(10.5, 0, "da")]
    then = [sent(11.0, Sent.RIGHT, "d9"), told_accepted(11.5, name="d9"), cancelled(12.0)]
    assert violations([*guesses(4, 3, 2)[:-1], *again, *late, *then]) == []


def test_a_right_pin_never_counts_as_a_wrong_one():
    """Whatever went wrong around it."""
    events = [*started(), sent(1.0, Sent.RIGHT), refused(1.5, 4), Event(30.0, 1, Kind.LEFT)]
    assert violations(events) == ["a right PIN counts as a wrong one"]


def test_locked_factors_approve_nothing():
    """Although the PIN is right now."""
    locked = guesses(4, 3, 2, 1, 0)[:-1]
    approval = [sent(9.0, Sent.RIGHT, "d9"), told_accepted(9.5, name="d9"), cancelled(10.0)]
    assert violations([*locked, *approval]) == ["an approval counts although factors are locked"]
