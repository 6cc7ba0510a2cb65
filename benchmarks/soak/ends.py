"""How a flow ended, and why nobody got its tokens if they were lost on the way."""

from benchmarks.soak.history import Answered, Kind, Lost
from benchmarks.soak.story import Story, World

__all__ = ["TERMINAL", "end_of"]

TERMINAL = {Answered.TOKENS, Answered.DENIED, Answered.EXPIRED, Answered.INVALID}
"""Answers after which a client asks no more."""


def end_of(story: Story, world: World) -> tuple[str, str]:
    """How it ended, and why a redemption was lost if one was."""
    last = story.answers[-1].word if story.answers else ""
    if last == Answered.INVALID and story.lost and not (story.tokens or story.cancels):
        return "redeemed, but the answer was lost", _loss(story, world)
    ends = (
        (story.has(Kind.START_REFUSED), "refused"),
        (_was_turned_away(story), "turned away with 503 at the start"),
        (not story.has(Kind.STARTED), "start without an answer"),
        (bool(story.tokens), "tokens"),
        (bool(story.cancels) or story.has(Kind.CANCEL_LOST), "cancelled"),
        (last in TERMINAL, last),
        (any(event.number == 0 for event in story.pushes), "refused by push"),
    )
    return next((name for holds, name in ends if holds), "the client left"), ""


def _was_turned_away(story: Story) -> bool:
    return any(
        event.kind is Kind.START_LOST and event.word == Lost.UNAVAILABLE for event in story.events
    )


def _loss(story: Story, world: World) -> str:
    if any(world.killed(event) for event in story.lost):
        return "its process died"
    if any(event.word == Lost.VANISHED for event in story.lost):
        return "its client went away"
    return "its store kept silent"
