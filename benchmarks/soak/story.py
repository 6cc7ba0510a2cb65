"""The history of one flow, sorted by what its events are about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.soak.history import FAILOVER, Answered, Event, Kind, Sent

__all__ = ["Bounds", "Story", "World"]


@dataclass(frozen=True)
class Bounds:
    """What was promised, in seconds where it is a time.

    ``jitter`` is by how much what this program saw may be later than what happened.
    """

    attempts: int = 5
    redeemable: float = 60.0
    ping: float = 45.0
    jitter: float = 0.5
    replicated: bool = True
    """Whether replicas are waited for: else what a failover forgets is no violation."""


@dataclass
class World:
    """What was done to processes and to the store, as far as it explains anything."""

    events: Sequence[Event]
    bounds: Bounds = field(default_factory=Bounds)
    _kills: dict[int, list[float]] = field(default_factory=dict)
    _fails: list[tuple[float, float]] = field(default_factory=list)
    _failovers: list[tuple[float, float]] = field(default_factory=list)
    furthest: int = 0
    """By how many seconds a clock was wrong at most."""

    def __post_init__(self) -> None:
        began: float | None = None
        how = ""
        for event in self.events:
            match event.kind:
                case Kind.KILLED:
                    self._kills.setdefault(event.process, []).append(event.at)
                case Kind.STORE_FAILS:
                    began, how = (event.at if began is None else began), event.word
                case Kind.STORE_WORKS if began is not None:
                    self._fails.append((began, event.at))
                    if how == FAILOVER:
                        self._failovers.append((began, event.at))
                    began = None
                case Kind.CLOCK:
                    self.furthest = max(self.furthest, abs(event.number))
                case _:
                    pass
        if began is not None:
            self._fails.append((began, float("inf")))

    def killed(self, lost: Event) -> bool:
        """Whether the process died while a request was under way that has no answer."""
        slack = self.bounds.jitter
        kills = self._kills.get(lost.process, ())
        return any(lost.since - slack <= at <= lost.at + slack for at in kills)

    def saw_failover(self, story: "Story") -> bool:
        """Whether the store failed over while a flow lived, or in the second before it."""
        first, last = story.events[0].at, story.events[-1].at
        return any(begin <= last and first - 1.0 <= end for begin, end in self._failovers)

    def outage(self, since: float, until: float) -> float:
        """How long the store did not work between two moments."""
        return sum(max(0.0, min(until, end) - max(since, begin)) for begin, end in self._fails)


@dataclass
class Story:
    """One flow; the lists are in the order of the history."""

    events: Sequence[Event]
    mode: str = ""
    user: str = ""
    expiry: int = 0
    began: float = 0.0
    sent: dict[str, list[Event]] = field(default_factory=dict)
    accepted: list[Event] = field(default_factory=list)
    refused: list[Event] = field(default_factory=list)
    answers: list[Event] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    pings: list[Event] = field(default_factory=list)
    pushes: list[Event] = field(default_factory=list)
    cancels: list[Event] = field(default_factory=list)
    used: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        places = {
            Kind.DECISION_ACCEPTED: self.accepted,
            Kind.DECISION_REFUSED: self.refused,
            Kind.ANSWERED: self.answers,
            Kind.ASK_LOST: self.lost,
            Kind.PINGED: self.pings,
            Kind.PUSHED: self.pushes,
            Kind.CANCELLED: self.cancels,
            Kind.USED: self.used,
        }
        for event in self.events:
            place = places.get(event.kind)
            if place is not None:
                place.append(event)
            elif event.kind is Kind.DECISION_SENT:
                self.sent.setdefault(event.detail, []).append(event)
            elif event.kind is Kind.START_SENT:
                self.mode, self.user, self.expiry = event.word, event.detail, event.number
                self.began = event.at

    def has(self, kind: Kind) -> bool:
        """Whether there is any such event."""
        return any(event.kind is kind for event in self.events)

    @property
    def tokens(self) -> list[Event]:
        """Each time that tokens arrived, by an answer or by a push."""
        return [
            event
            for event in self.events
            if (event.kind is Kind.ANSWERED and event.word == Answered.TOKENS)
            or (event.kind is Kind.PUSHED and event.number > 0)
        ]

    def first_sent(self, *what: Sent) -> Event | None:
        """The first decision of a kind."""
        found = (event for events in self.sent.values() for event in events if event.word in what)
        return min(found, key=lambda event: event.at, default=None)

    @property
    def approved(self) -> Event | None:
        """The acceptance of an approval."""
        return next((each for each in self.accepted if each.word == "approve"), None)

    @property
    def denied(self) -> Event | None:
        """The acceptance of a denial."""
        return next((each for each in self.accepted if each.word == "deny"), None)

    def answers_after(self, moment: float) -> Iterator[Event]:
        """Answers to what was asked after a moment."""
        return (event for event in self.answers if event.since >= moment)
