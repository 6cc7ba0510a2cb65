"""Histories written by hand: a flow is a list of lines, each at its second."""

from collections.abc import Sequence

from benchmarks.soak.checker import judge
from benchmarks.soak.history import NOBODY, Answered, Event, Kind, Sent
from benchmarks.soak.story import Bounds

EXPIRY = 90


def started(at: float = 0.0, mode: str = "poll", expiry: int = EXPIRY) -> list[Event]:
    """A request that was acknowledged, and reached its phone."""
    return [
        Event(at, 1, Kind.START_SENT, word=mode, detail="alice", number=expiry),
        Event(at + 0.1, 1, Kind.STARTED, since=at, process=0),
        Event(at + 0.2, 1, Kind.CHALLENGE, process=0),
    ]


def sent(at: float, what: Sent, name: str = "d1") -> Event:
    """A phone sends a decision."""
    return Event(at, 1, Kind.DECISION_SENT, word=what, detail=name, process=0)


def accepted(at: float, verdict: str = "approve", name: str = "d1") -> Event:
    """And is told that it counts."""
    return Event(at, 1, Kind.DECISION_ACCEPTED, word=verdict, detail=name, process=0)


def refused(at: float, left: int, name: str = "d1", word: str = "factors") -> Event:
    """Or that it does not."""
    return Event(at, 1, Kind.DECISION_REFUSED, word=word, detail=name, number=left, process=0)


def answered(at: float, word: str, name: str = "", since: float | None = None) -> Event:
    """A client polled, and got an error, or tokens of a name."""
    asked = at - 0.1 if since is None else since
    return Event(at, 1, Kind.ANSWERED, word=word, detail=name, since=asked, process=0)


def tokens(at: float, name: str = "t1", since: float | None = None) -> Event:
    """A client got tokens."""
    return answered(at, Answered.TOKENS, name, since)


def ask_lost(at: float, why: str, since: float | None = None) -> Event:
    """A client polled and has no answer."""
    asked = at - 0.1 if since is None else since
    return Event(at, 1, Kind.ASK_LOST, word=why, since=asked, process=0)


def pushed(at: float, body: str = "b1", detail: str = "t1", number: int = 1) -> Event:
    """A push arrived and was taken."""
    return Event(at, 1, Kind.PUSHED, word="taken", detail=detail, number=number, body=body)


def cancelled(at: float) -> Event:
    """The client cancelled."""
    return Event(at, 1, Kind.CANCELLED, since=at - 0.1, process=0)


def killed(at: float, process: int = 0) -> Event:
    """A process was killed."""
    return Event(at, NOBODY, Kind.KILLED, process=process)


def approved(mode: str = "poll", at: float = 1.0) -> list[Event]:
    """Asked, approved, and the phone knows."""
    return [*started(mode=mode), sent(at, Sent.RIGHT), accepted(at + 0.1)]


def violations(events: Sequence[Event], *world: Event, bounds: Bounds | None = None) -> list[str]:
    """What is wrong with one flow."""
    return [each.sentence for each in judge({1: events}, world, bounds).violations]
