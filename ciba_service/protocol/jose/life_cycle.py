"""The life of a key that signs: next, active, retired, gone (OpenID Connect Core 10.1.1).

A key is published before it signs, so that nobody meets a signature whose key they cannot have, and
stays published until nothing it signed can count any more.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

__all__ = [
    "CHALLENGE_KEYS_KEPT",
    "KEY_SET_MAX_AGE",
    "KeyLife",
    "KeyState",
    "TooEarlyError",
    "is_needed",
    "rotated",
    "token_keys_kept",
]

KEY_SET_MAX_AGE: Final = 300
"""Seconds for which others may keep the published key set."""
PUBLISHED_BEFORE_USE: Final = 600
"""Seconds: what others keep, what a process takes to read new keys, and as much again."""
CHALLENGE_KEYS_KEPT: Final = 180 * 86_400
"""Seconds for which a phone may be out of reach and still learn of new challenge keys."""
_MARGIN: Final = 3600
"""Seconds: clocks that differ, and processes that were slow to learn that a key is retired."""


class KeyState(StrEnum):
    """What a key is there for: to be known, to sign, or to be verified with."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class KeyLife:
    """A key's state, and since when it has it in milliseconds."""

    state: KeyState
    since: int


def token_keys_kept(
    *, access_token_lifetime: int, id_token_lifetime: int, id_token_hint_lifetime: int
) -> int:
    """Seconds for which a retired token key is kept: whatever it signed last may count as long.

    ``id_token_hint_lifetime`` is how long after its expiry an ID token is taken as
    ``id_token_hint`` (CIBA 14).
    """
    return max(access_token_lifetime, id_token_lifetime + id_token_hint_lifetime) + _MARGIN


def is_needed(life: KeyLife, *, kept: int, now: int) -> bool:
    """Whether a key must be there at ``now`` (ms); retired ones are ``kept`` for some seconds."""
    return life.state is not KeyState.RETIRED or now < life.since + kept * 1000


class TooEarlyError(Exception):
    """The next keys are not known to everybody yet; ``seconds`` are missing."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the next keys must be published for {seconds} seconds more")
        self.seconds = seconds


def rotated(life: KeyLife, *, now: int, at_once: bool = False) -> KeyLife:
    """What a rotation at ``now`` makes of a key: the next one signs, the active one retires.

    No change is older than the one before it, also where a clock was put back in between.

    Raises:
        TooEarlyError: when a next key has not been published for long enough, unless ``at_once``.
    """
    since = max(now, life.since)
    match life.state:
        case KeyState.NEXT:
            missing = life.since + PUBLISHED_BEFORE_USE * 1000 - now
            if missing > 0 and not at_once:
                raise TooEarlyError(-(-missing // 1000))
            return KeyLife(KeyState.ACTIVE, since)
        case KeyState.ACTIVE:
            return KeyLife(KeyState.RETIRED, since)
        case KeyState.RETIRED:
            return life
        case _:
            assert_never(life.state)
