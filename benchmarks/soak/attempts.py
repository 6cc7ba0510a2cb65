"""Wrong PINs, counted over all flows of a user: never more than the limit before the lock."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from benchmarks.soak.history import Event, Kind, Sent
from benchmarks.soak.story import Story

__all__ = ["attempt_violations"]

_COUNTED = "factors"
_WRONG = {Sent.WRONG, Sent.MISSING}


def attempt_violations(stories: Mapping[int, Story], limit: int) -> Iterator[tuple[int, str]]:
    """Flow and sentence of each.

    A phone waits for the outcome of a decision before it sends the next one, so that the order of
    outcomes is the order in which attempts were made.
    """
    outcomes: defaultdict[str, list[tuple[Event, Story]]] = defaultdict(list)
    for story in stories.values():
        for event in (*story.accepted, *story.refused):
            outcomes[story.user].append((event, story))
    for events in outcomes.values():
        events.sort(key=lambda pair: pair[0].at)
        yield from _of_user(events, limit)


def _of_user(events: list[tuple[Event, Story]], limit: int) -> Iterator[tuple[int, str]]:
    counted: set[str] = set()
    locked = False
    for event, story in events:
        first = story.sent.get(event.detail, [event])[0].word
        if event.kind is Kind.DECISION_REFUSED and event.word == _COUNTED:
            counted.add(event.detail)
            if first not in _WRONG:
                yield event.flow, "a right PIN counts as a wrong one"
            if locked:
                yield event.flow, "factors were evaluated after they had been locked"
            if event.number > limit - len(counted):
                yield event.flow, f"{event.number} attempts left after {len(counted)} of {limit}"
            # With fewer since a success, which will be forgotten with those before it: the factors
            # seem to be locked only until that is done.
            locked = locked or (event.number == 0 and len(counted) >= limit)
        elif first == Sent.RIGHT and event.word in {"approve", "not_open"}:
            if locked and event.word == "approve":
                yield event.flow, "an approval counts although factors are locked"
            counted.clear()  # of ``not_open`` the PIN may have been evaluated, or not
