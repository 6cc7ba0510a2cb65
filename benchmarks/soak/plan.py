"""What everybody does in a flow: drawn from seed and number, before it begins."""

import random
from dataclasses import dataclass
from typing import Final

from benchmarks.soak.history import Sent

__all__ = ["Act", "ClientTemper", "Plan", "drawn"]

MODES: Final = ("poll", "poll", "ping", "ping", "push")
SHORT_EXPIRY: Final = 12
"""Of requests that nobody answers, or only wrongly, in seconds."""
EXPIRY: Final = 90


@dataclass(frozen=True, slots=True)
class ClientTemper:
    """How its client is: at most one of these, and patient where none is."""

    vanishes_at_start: bool = False
    vanishes_at_poll: bool = False
    never_asks: bool = False
    cancels_early: bool = False
    cancels_late: bool = False
    asks_twice_at_once: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One flow.

    ``decisions`` are tried one after the other until one counts; without any the phone never
    answers. ``thinks`` is how long the user takes, in seconds.
    """

    number: int
    mode: str
    user: int
    decisions: tuple[Sent, ...]
    thinks: float
    client: ClientTemper
    waits: bool
    asks_again: bool
    uses: bool
    expiry: int

    @property
    def binding_message(self) -> str:
        """By which its phone knows it."""
        return f"F{self.number}"


class Act:
    """Shares of what may happen, out of a hundred, in the order in which they are tried."""

    CLIENTS: Final = (
        (2, "vanishes_at_start"),
        (3, "vanishes_at_poll"),
        (2, "never_asks"),
        (3, "cancels_early"),
        (3, "cancels_late"),
        (6, "asks_twice_at_once"),
    )
    USERS: Final = (
        (4, ()),
        (10, (Sent.DENIAL,)),
        (5, (Sent.WRONG, Sent.RIGHT)),
        (2, (Sent.MISSING, Sent.RIGHT)),
        (2, (Sent.WRONG, Sent.WRONG, Sent.RIGHT)),
        (2, (Sent.WRONG, Sent.DENIAL)),
    )
    GUESS: Final = (Sent.WRONG, Sent.MISSING, Sent.WRONG)


def drawn(seed: int, number: int, *, users: int, guessers: int, brief: bool = False) -> Plan:
    """The plan of a flow; users from ``users`` on, ``guessers`` of them, never know their PIN.

    Of ``brief`` ones none waits for its expiry.
    """
    chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 - a plan, no secret
    temper = _temper(chance)
    guesses = guessers > 0 and chance.random() < 0.004  # noqa: PLR2004 - few are enough
    user = users + chance.randrange(guessers) if guesses else chance.randrange(users)
    decisions = Act.GUESS if guesses else _decisions(chance)
    if brief and not decisions:
        decisions = (Sent.DENIAL,)
    mode = chance.choice(MODES)
    if mode == "push" and temper.vanishes_at_poll:
        temper = ClientTemper()
    return Plan(
        number=number,
        mode=mode,
        user=user,
        decisions=decisions,
        thinks=chance.uniform(0.0, 0.6),
        client=temper,
        waits=mode == "poll" and chance.random() < 0.2,  # noqa: PLR2004
        asks_again=chance.random() < 0.15,  # noqa: PLR2004
        uses=chance.random() < 0.1,  # noqa: PLR2004
        expiry=EXPIRY if decisions and not guesses else SHORT_EXPIRY,
    )


def _temper(chance: random.Random) -> ClientTemper:
    draw = chance.uniform(0, 100)
    for share, name in Act.CLIENTS:
        if draw < share:
            return ClientTemper(**{name: True})
        draw -= share
    return ClientTemper()


def _decisions(chance: random.Random) -> tuple[Sent, ...]:
    draw = chance.uniform(0, 100)
    for share, decisions in Act.USERS:
        if draw < share:
            return decisions
        draw -= share
    return (Sent.RIGHT,)
