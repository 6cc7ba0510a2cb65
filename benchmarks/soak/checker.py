"""Whether a history is one that a service may have: pure, and from the history alone.

What is no violation, and is counted apart: a redemption whose answer never arrived, since its
process was killed (or, by name, since its client went away, or was told 503 by a service whose
store kept silent). A token request is its own operation, and one sent again is another: to repeat
tokens to whoever asks a second time would be the second redemption that there must not be. Only
within one request does the service repeat itself to the store, and gets the stored outcome.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from benchmarks.soak.attempts import attempt_violations
from benchmarks.soak.ends import TERMINAL, end_of
from benchmarks.soak.history import Answered, Event, Kind, Lost, Sent
from benchmarks.soak.story import Bounds, Story, World

__all__ = ["Judgement", "Violation", "judge"]

_AFTER = {
    Answered.TOKENS: {Answered.INVALID},
    Answered.DENIED: {Answered.DENIED},
    Answered.EXPIRED: {Answered.EXPIRED, Answered.INVALID},
    Answered.INVALID: {Answered.INVALID},
}
"""What may follow what; a record that is gone at last is unknown."""
_OPEN = {Answered.PENDING, Answered.SLOW_DOWN}


@dataclass(frozen=True)
class Violation:
    """What must not be, in a sentence, and in which flow."""

    flow: int
    sentence: str


@dataclass
class Judgement:
    """What came of all flows."""

    violations: list[Violation] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    """Redemptions that nobody got, by the reason."""
    forgotten: Counter[str] = field(default_factory=Counter)
    """What a failover may lose, in the words of the violation that it would be otherwise."""


def judge(
    flows: Mapping[int, Sequence[Event]], world: Sequence[Event], bounds: Bounds | None = None
) -> Judgement:
    """Look at everything."""
    around = World(world, bounds or Bounds())
    stories = {number: Story(events) for number, events in flows.items()}
    found = Judgement()
    wrong = [
        (number, each) for number, story in stories.items() for each in _violations(story, around)
    ]
    wrong += attempt_violations(stories, around.bounds.attempts)
    for number, sentence in wrong:
        if _forgotten(stories[number], around):
            found.forgotten[sentence] += 1
        else:
            found.violations.append(Violation(number, sentence))
    for story in stories.values():
        end, loss = end_of(story, around)
        found.ends[end] += 1
        if loss:
            found.lost[loss] += 1
    return found


def _forgotten(story: Story, world: World) -> bool:
    """Whether a failover may have taken what is missing.

    Where replicas are waited for that is a request which nobody had decided on, which is not
    waited for; else whatever the old master had and the new one had not.
    """
    if not world.saw_failover(story):
        return False
    return not world.bounds.replicated or not story.accepted


def _violations(story: Story, world: World) -> Iterator[str]:
    yield from (f"an answer that must not be: {each.word}" for each in _odd(story))
    yield from _tokens(story)
    yield from _decisions(story)
    yield from _approval(story)
    yield from _terminal(story, world)
    yield from _reasons(story, world)
    yield from _callbacks(story, world)
    yield from _silence(story, world)


def _odd(story: Story) -> Iterator[Event]:
    return (event for event in story.events if event.kind is Kind.ODD)


def _tokens(story: Story) -> Iterator[str]:
    tokens = story.tokens
    if not tokens:
        return
    approval = story.first_sent(Sent.RIGHT)
    if approval is None or approval.at > tokens[0].at:
        yield "tokens without a verified approval that was sent before"
    if story.denied is not None:
        yield "a denial turned into tokens"
    if len({event.detail for event in tokens}) > 1:
        yield "a second redemption: two sets of tokens"
    if story.cancels and all(event.since >= story.cancels[0].at for event in tokens):
        yield "tokens for a request that was cancelled before"
    if any(event.word != "200" for event in story.used):
        yield "tokens that do not work"


def _decisions(story: Story) -> Iterator[str]:
    for event in story.accepted:
        sent = [each for each in story.sent.get(event.detail, ()) if each.at <= event.at]
        if not sent:
            yield "a decision was accepted that nobody sent"
        elif event.word == "approve" and sent[0].word != Sent.RIGHT:
            yield f"an approval was accepted that was not proved: {sent[0].word}"
        elif (event.word == "deny") != (sent[0].word == Sent.DENIAL):
            yield "a decision was accepted as another"
    if len({event.detail for event in story.accepted}) > 1:
        yield "two decisions were accepted"


def _approval(story: Story) -> Iterator[str]:
    """An approval that a phone was told is accepted ends in tokens, or for a listed reason."""
    approved = story.approved
    if approved is None or story.tokens or not story.has(Kind.STARTED):
        return
    if story.cancels or story.has(Kind.CANCEL_LOST) or story.has(Kind.LEFT):
        return
    if story.lost or any(event.word != "taken" for event in story.pushes):
        return
    if any(event.word == Answered.EXPIRED for event in story.answers):
        return  # Whether that was in time is asked elsewhere.
    yield "an approval was lost"


def _terminal(story: Story, world: World) -> Iterator[str]:
    """The last word is the last word, for whoever asks after having heard it."""
    yield from islice(_changed(story, world), 1)
    for cancelled in story.cancels:
        if any(each.word != Answered.INVALID for each in story.answers_after(cancelled.at)):
            yield "a request that was cancelled is answered as if it were not"
    for decided in story.accepted:
        if any(each.word in _OPEN for each in story.answers_after(decided.at)):
            yield "pending after a decision was accepted"


def _changed(story: Story, world: World) -> Iterator[str]:
    """A clock that is ahead finds expired what is not, until the others are there, too."""
    open_until = story.began + story.expiry + world.furthest + 1.0
    for ended in story.answers:
        if world.furthest and ended.word == Answered.EXPIRED and ended.at < open_until:
            continue
        if ended.word in TERMINAL:
            for later in story.answers_after(ended.at):
                if later.word not in _AFTER[Answered(ended.word)]:
                    yield f"{later.word} after {ended.word}"


def _reasons(story: Story, world: World) -> Iterator[str]:
    """What is refused is refused for something that happened."""
    refusals = [(event, event.word) for event in story.answers]
    refusals += [(event, event.detail) for event in story.pushes if event.number == 0]
    for event, word in refusals:
        match word:
            case Answered.DENIED if not _may_be_denied(story, event):
                yield "denied, though nobody denied it"
            case Answered.EXPIRED if not _may_have_expired(story, event, world):
                yield "expired before its time"
            case Answered.INVALID if not _may_be_invalid(story, event):
                yield "invalid_grant for a request that nobody redeemed or cancelled"
            case _:
                pass


def _may_be_denied(story: Story, answer: Event) -> bool:
    denial = story.first_sent(Sent.DENIAL)
    wrong = story.first_sent(Sent.WRONG, Sent.MISSING)
    return any(each is not None and each.at <= answer.at for each in (denial, wrong))


def _may_have_expired(story: Story, answer: Event, world: World) -> bool:
    slack = world.furthest + world.bounds.jitter + 1.0  # times of the service are in seconds
    end = story.began + story.expiry
    approved = story.approved
    if approved is not None and approved.at <= answer.since:
        end = max(end, approved.at + world.bounds.redeemable)
    return answer.at >= end - slack


def _may_be_invalid(story: Story, answer: Event) -> bool:
    """Redeemed by an answer that did arrive, or may be under way or lost; or cancelled."""
    if any(event.at <= answer.at for event in story.tokens):
        return True
    if any(event.since <= answer.at for event in story.lost):
        return True
    if story.has(Kind.CANCELLED) or story.has(Kind.CANCEL_LOST) or story.has(Kind.CANCEL_REFUSED):
        return True
    overlapping = (each for each in story.answers if each.word == Answered.TOKENS)
    if any(each.since <= answer.at for each in overlapping):
        return True
    return answer.at >= story.began + story.expiry + 500  # the record is gone


def _callbacks(story: Story, world: World) -> Iterator[str]:
    bodies = {event.body for event in story.pushes}
    if len(bodies) > 1:
        yield "two pushes that are not the same to the byte"
    expiries = [event for event in story.pushes if event.detail == Answered.EXPIRED]
    calls = [event for event in (*story.pings, *story.pushes) if event not in expiries]
    decided = story.first_sent(*Sent)
    if calls and (decided is None or decided.at > min(each.at for each in calls)):
        yield "a callback before any decision"
    if (
        calls
        and story.cancels
        and min(each.since or each.at for each in calls)
        > (story.cancels[0].at + world.bounds.jitter + 1.0)
    ):
        yield "a first callback after the request was cancelled"
    yield from _never_called(story, world)


def _never_called(story: Story, world: World) -> Iterator[str]:
    """What was approved, and is still to be told, is told in time."""
    approved = story.approved
    if approved is None or story.mode == "poll" or story.pings or story.pushes:
        return
    if story.cancels or story.has(Kind.CANCEL_LOST) or not story.has(Kind.STARTED):
        return
    asked = [*story.answers, *story.lost]
    redeemed = (each for each in asked if each.word not in _OPEN)
    last = story.events[-1].at
    until = min((each.since for each in redeemed), default=last)
    waited = until - approved.at
    # It may be due, and then leased, by a clock that is ahead.
    bound = world.bounds.ping + world.outage(approved.at, until) + 2 * world.furthest
    if waited > bound:
        yield f"no callback within {waited:.0f} s of an approval"


def _silence(story: Story, world: World) -> Iterator[str]:
    """Only a process that was killed may leave a request without an answer."""
    for event in story.events:
        if event.word == Lost.CONNECTION and event.since and not world.killed(event):
            yield f"{event.kind}: a process that was not killed left a request unanswered"
        if event.word == Lost.LATE:
            yield f"{event.kind}: no answer in time"
    if story.has(Kind.STARTED) and not _has_ended(story):
        yield "a flow without an end"


def _has_ended(story: Story) -> bool:
    if story.tokens or story.cancels or story.has(Kind.LEFT) or story.has(Kind.CANCEL_LOST):
        return True
    if any(event.number == 0 for event in story.pushes):
        return True
    return any(event.word in TERMINAL for event in story.answers)
