"""Keys change places on disk: the next one is made, then signs, then is only verified with.

Call these under ``one_writer``. Each change is one replacement of the file: a process that is
killed leaves the old keys or the new ones.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ciba_service.ports import Randomness
from ciba_service.protocol.jose.keys import MAXIMUM_KEYS
from ciba_service.protocol.jose.life_cycle import (
    CHALLENGE_KEYS_KEPT,
    KeyState,
    TooEarlyError,
    is_needed,
    rotated,
)
from ciba_service.stores.service_keys.key_files import KeyListing, load_keys
from ciba_service.stores.service_keys.stored_keys import (
    Purpose,
    StoredKey,
    new_key,
    read_keys,
    write_keys,
)

__all__ = ["Rotation", "RotationRefused", "prune_keys", "rotate_keys"]

# Those that others learn of by themselves. Auditors have to be given the key of evidence.
_TOGETHER: Final[frozenset[Purpose]] = frozenset(
    {"token", "challenge", "factors", "events", "receipt"}
)
# Of challenge keys each signs an announcement, and all of these are one frame.
_LIMITS: Final[dict[Purpose, int]] = {
    "token": MAXIMUM_KEYS,
    "challenge": 10,
    "factors": 10,
    "events": 10,
    "receipt": 10,
    "evidence": MAXIMUM_KEYS,
}


class RotationRefused(Exception):
    """Nothing was changed; the text says why."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What was done: keys that are new in their state, and keys that are gone."""

    changed: list[KeyListing]
    dropped: list[KeyListing]


def rotate_keys(
    directory: Path,
    *,
    purpose: Purpose | None = None,
    alg: str | None = None,
    token_keys_kept: int,
    random: Randomness,
    now: int,
    at_once: bool = False,
) -> Rotation:
    """Make next keys where one is missing, else let them sign and retire those that did.

    Only keys of ``purpose`` and ``alg``, where these are given; without a purpose all but those of
    evidence. What no longer needs to be kept is dropped: retired token keys after
    ``token_keys_kept`` seconds.

    Raises:
        KeyFileError: when the keys are not usable as they are.
        RotationRefused: too early, unless ``at_once``; too many keys; or no such key.
    """
    load_keys(directory)  # What does not load is not made worse.
    before = read_keys(directory)
    kept = [key for key in before if _is_needed(key, token_keys_kept, now)]
    purposes = _TOGETHER if purpose is None else {purpose}
    turning = [key for key in kept if key.purpose in purposes and alg in {None, key.alg}]
    if not turning:
        raise RotationRefused("there is no such key; ciba-service keys generate makes what it can")
    missing = _without_next(turning)
    if missing:
        made = (
            new_key(of, each, state=KeyState.NEXT, random=random, now=now) for of, each in missing
        )
        after = [*kept, *made]
    else:
        after = _turned(kept, {key.kid for key in turning}, now, at_once=at_once)
    _refuse_too_many(after)
    write_keys(directory, after)
    return Rotation(
        changed=[KeyListing.of(key) for key in after if key not in before],
        dropped=[KeyListing.of(key) for key in before if key not in kept],
    )


def prune_keys(
    directory: Path, *, token_keys_kept: int, now: int, kid: str | None = None
) -> list[KeyListing]:
    """Drop retired keys that nothing needs any more, and the one named ``kid``; returns them.

    Raises:
        KeyFileError: when the keys are not usable as they are.
        RotationRefused: when ``kid`` is no retired key.
    """
    before = read_keys(directory)
    retired = {key.kid for key in before if key.state is KeyState.RETIRED}
    if kid is not None and kid not in retired:
        raise RotationRefused(f"there is no retired key {kid}")
    kept = [key for key in before if key.kid != kid and _is_needed(key, token_keys_kept, now)]
    if len(kept) < len(before):
        write_keys(directory, kept)
    return [KeyListing.of(key) for key in before if key not in kept]


def _is_needed(key: StoredKey, token_keys_kept: int, now: int) -> bool:
    if key.purpose == "evidence":
        return True  # Nobody knows for how long somebody keeps the files.
    kept = token_keys_kept if key.purpose == "token" else CHALLENGE_KEYS_KEPT
    return is_needed(key.life, kept=kept, now=now)


def _without_next(turning: Sequence[StoredKey]) -> list[tuple[Purpose, str]]:
    """The uses that have an active key and none to follow it."""
    followed = {key.use for key in turning if key.state is KeyState.NEXT}
    active = (key.use for key in turning if key.state is KeyState.ACTIVE)
    return [use for use in active if use not in followed]


def _refuse_too_many(keys: Sequence[StoredKey]) -> None:
    for purpose, limit in _LIMITS.items():
        if sum(key.purpose == purpose for key in keys) > limit:
            way = (
                "drop one with ciba-service keys prune --kid"
                if purpose == "evidence"
                else "wait until retired ones go"
            )
            raise RotationRefused(f"there would be more than {limit} {purpose} keys; {way}")


def _turned(
    keys: Sequence[StoredKey], turning: AbstractSet[str], now: int, *, at_once: bool
) -> list[StoredKey]:
    try:
        return [
            key.living(rotated(key.life, now=now, at_once=at_once)) if key.kid in turning else key
            for key in keys
        ]
    except TooEarlyError as error:
        raise RotationRefused(str(error)) from error
