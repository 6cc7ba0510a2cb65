"""Token keys change places on disk: the next one is made, then signs, then is only verified with.

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
from ciba_service.protocol.jose.life_cycle import KeyState, Retention, TooEarlyError, rotated
from ciba_service.stores.key_files import KeyListing, load_keys
from ciba_service.stores.stored_keys import (
    StoredKey,
    new_key,
    read_keys,
    write_keys,
)

__all__ = ["Rotation", "RotationRefused", "prune_keys", "rotate_keys"]

# Phones pin the key of challenges and encrypt to that of factors: those have other ways.
_PURPOSE: Final = "token"


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
    alg: str | None,
    retention: Retention,
    random: Randomness,
    now: int,
    at_once: bool = False,
) -> Rotation:
    """Make next keys where one is missing, else let them sign and retire those that did.

    Only keys of ``alg``, if it is given; what no longer needs to be kept is dropped.

    Raises:
        KeyFileError: when the keys are not usable as they are.
        RotationRefused: too early, unless ``at_once``; too many keys; or no key of this ``alg``.
    """
    load_keys(directory)  # What does not load is not made worse.
    before = read_keys(directory)
    kept = [key for key in before if retention.keeps(key.life, now)]
    turning = [key for key in kept if key.purpose == _PURPOSE and alg in {None, key.alg}]
    if not turning:
        raise RotationRefused(f"no token key of {alg}; ciba-service keys generate makes it")
    missing = _without_next(turning)
    if missing:
        made = (
            new_key(_PURPOSE, each, state=KeyState.NEXT, random=random, now=now) for each in missing
        )
        after = [*kept, *made]
    else:
        after = _turned(kept, {key.kid for key in turning}, now, at_once=at_once)
    if sum(key.purpose == _PURPOSE for key in after) > MAXIMUM_KEYS:
        raise RotationRefused(
            f"more than {MAXIMUM_KEYS} token keys would be published; wait until retired ones go"
        )
    write_keys(directory, after)
    return Rotation(
        changed=[KeyListing.of(key) for key in after if key not in before],
        dropped=[KeyListing.of(key) for key in before if key not in kept],
    )


def prune_keys(
    directory: Path, *, retention: Retention, now: int, kid: str | None = None
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
    kept = [key for key in before if key.kid != kid and retention.keeps(key.life, now)]
    if len(kept) < len(before):
        write_keys(directory, kept)
    return [KeyListing.of(key) for key in before if key not in kept]


def _without_next(turning: Sequence[StoredKey]) -> list[str]:
    """The algorithms that have an active key and none to follow it."""
    followed = {key.alg for key in turning if key.state is KeyState.NEXT}
    active = (key.alg for key in turning if key.state is KeyState.ACTIVE)
    return [alg for alg in active if alg not in followed]


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
