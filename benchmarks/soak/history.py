"""What clients and phones saw, event by event: the only thing that the checker believes.

One program plays all clients and phones, so that the order of its events is one order. Secrets are
in none of them: tokens are hashes, and requests go by the number of their flow.
"""

import hashlib
import time
from collections import defaultdict
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "FAILOVER",
    "NOBODY",
    "Answered",
    "Event",
    "History",
    "Kind",
    "Lost",
    "Sent",
    "token_name",
]

FAILOVER: Final = "failover"
NOBODY: Final = -1
"""The flow of an event that is about a process or the store."""


class Kind(StrEnum):
    """What happened."""

    START_SENT = "start_sent"
    """``word`` is the delivery mode, ``detail`` the user, ``number`` the seconds it may take."""
    STARTED = "started"
    """``detail`` is the transaction's name, as logs have it."""
    START_REFUSED = "start_refused"
    """``word`` is the error."""
    START_LOST = "start_lost"
    """No answer; ``word`` says why (``Lost``). So of the other kinds that end in ``lost``."""

    CHALLENGE = "challenge"
    """A phone has verified it."""
    DECISION_SENT = "decision_sent"
    """``word`` is one of ``Sent``, ``detail`` names the decision, as below."""
    DECISION_ACCEPTED = "decision_accepted"
    """``word`` is the verdict."""
    DECISION_REFUSED = "decision_refused"
    """``word`` is the reason, ``number`` how many attempts are left, where that was said."""
    DECISION_LOST = "decision_lost"
    """The socket ended before the answer; the same bytes are sent again."""

    ANSWERED = "answered"
    """A token request that was sent at ``since``: ``word`` is an error or ``tokens``."""
    ASK_LOST = "ask_lost"
    CANCELLED = "cancelled"
    CANCEL_REFUSED = "cancel_refused"
    CANCEL_LOST = "cancel_lost"
    LEFT = "left"
    """The client will not ask any more, by its own will."""

    PINGED = "pinged"
    """``word`` is how the endpoint answered: ``taken``, or a fault. So it is for pushes."""
    PUSHED = "pushed"
    """``detail`` names the tokens or is an error, ``body`` is the hash of the body."""
    USED = "used"
    """A token was shown at ``userinfo``: ``word`` is the status."""

    KILLED = "killed"
    """A process, with SIGKILL; and below one with SIGTERM."""
    TERMINATED = "terminated"
    ENDED = "ended"
    """A process that was told to, with its status in ``number``."""
    RUNS = "runs"
    """A process is ready again."""
    SOCKET_ENDED = "socket_ended"
    """The service closed a phone's socket; ``number`` is the code."""
    CLOCK = "clock"
    """The clock of a process is ``number`` seconds ahead of the others from now on."""
    STORE_FAILS = "store_fails"
    """``word`` is how: ``FAILOVER`` when another server takes its place."""
    STORE_WORKS = "store_works"
    ODD = "odd"
    """An answer that there must not be at all."""


class Sent(StrEnum):
    """A decision, and what is in it."""

    RIGHT = "approve with the right PIN"
    WRONG = "approve with a wrong PIN"
    MISSING = "approve without a PIN"
    DENIAL = "deny"


class Lost(StrEnum):
    """Why there was no answer."""

    CONNECTION = "the connection ended"
    UNAVAILABLE = "503"
    VANISHED = "the client went away"
    LATE = "no answer in time"


class Answered(StrEnum):
    """What a token request is answered with, as far as it matters here."""

    TOKENS = "tokens"
    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    INVALID = "invalid_grant"


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One event; ``at`` and ``since`` are monotonic seconds, ``process`` where it was sent."""

    at: float
    flow: int
    kind: Kind
    since: float = 0.0
    process: int = -1
    word: str = ""
    detail: str = ""
    number: int = -1
    body: str = ""

    def told(self, zero: float) -> str:
        """As a line for people."""
        words = " ".join(each for each in (self.word, self.detail, self.body) if each)
        since = f" (sent {self.since - zero:.3f})" if self.since else ""
        process = f" process {self.process}" if self.process >= 0 else ""
        number = f" [{self.number}]" if self.number >= 0 else ""
        return f"{self.at - zero:10.3f} {self.kind}{process}{since} {words}{number}"


class History:
    """Events by flow, and those of processes and the store apart; all in memory.

    A poll that is pending, like the one before it, takes the place of that one, so that nobody's
    patience makes it grow.
    """

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.flows: defaultdict[int, list[Event]] = defaultdict(list)
        self.world: list[Event] = []

    def note(
        self,
        flow: int,
        kind: Kind,
        word: str = "",
        *,
        since: float = 0.0,
        process: int = -1,
        detail: str = "",
        number: int = -1,
        body: str = "",
    ) -> None:
        """Write down what has just happened."""
        event = Event(
            at=time.monotonic(),
            flow=flow,
            kind=kind,
            since=since,
            process=process,
            word=word,
            detail=detail,
            number=number,
            body=body,
        )
        if flow == NOBODY:
            self.world.append(event)
            return
        events = self.flows[flow]
        if word == Answered.PENDING and len(events) > 1:
            last, before = events[-1], events[-2]
            if last.word == before.word == Answered.PENDING and event.since >= last.at:
                events[-1] = event
                return
        events.append(event)

    def write(self, file: Path) -> None:
        """All of it as JSON lines, flow by flow."""
        encode = msgspec.json.Encoder().encode
        with file.open("wb") as stream:
            for events in ([*self.world], *self.flows.values()):
                stream.writelines(encode(event) + b"\n" for event in events)


def token_name(*tokens: str) -> str:
    """What a set of tokens is called: a part of their hash."""
    return hashlib.sha256("\0".join(tokens).encode()).hexdigest()[:16]
