"""The sequence diagram of a flow: who said what to whom, and when. Pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ciba_client.playground.purposes import Purpose, purpose_of
from ciba_client.playground.record import Message, Notified, Told
from ciba_client.playground.status_phrase import status_phrase
from ciba_client.sdk.provider.exchange import Exchange
from ciba_client.sdk.transaction.ledger import LedgerEntry

__all__ = ["Actor", "Step", "Tone", "steps_of"]

_PENDING: Final = "authorization_pending"
_OK: Final = range(200, 300)


class Actor(StrEnum):
    """A lifeline."""

    CLIENT = "client"
    SERVICE = "service"
    PHONE = "phone"
    RESOURCE = "resource"


class Tone(StrEnum):
    """How it went."""

    PLAIN = "plain"
    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the diagram; its messages are numbers, several where polls were folded.

    ``at`` is in seconds since the flow began, ``took`` in seconds. ``answer`` is what came back. A
    step from an actor to itself is something that happened there.
    """

    sender: Actor
    receiver: Actor
    label: str
    detail: str
    tone: Tone
    at: float
    messages: tuple[int, ...]
    answer: str = ""
    took: float | None = None
    count: int = 1


_PLACES: Final[dict[str, tuple[Actor, Actor, str, Tone]]] = {
    "requested": (Actor.SERVICE, Actor.SERVICE, "Request stored", Tone.PLAIN),
    "announced": (Actor.SERVICE, Actor.PHONE, "Challenge sent", Tone.PLAIN),
    "received": (Actor.PHONE, Actor.SERVICE, "Challenge received", Tone.PLAIN),
    "shown": (Actor.PHONE, Actor.SERVICE, "Shown to the user", Tone.WAITING),
    "approved": (Actor.PHONE, Actor.SERVICE, "Approved and signed", Tone.GOOD),
    "denied": (Actor.PHONE, Actor.SERVICE, "Denied", Tone.BAD),
    "failed": (Actor.SERVICE, Actor.SERVICE, "Failed", Tone.BAD),
    "cancelled": (Actor.SERVICE, Actor.PHONE, "Prompt withdrawn", Tone.PLAIN),
    "expired": (Actor.SERVICE, Actor.PHONE, "Expired", Tone.BAD),
    "redeemed": (Actor.SERVICE, Actor.SERVICE, "Tokens issued", Tone.GOOD),
    "callback_due": (Actor.SERVICE, Actor.SERVICE, "Notification failed", Tone.BAD),
    "callback_delivered": (Actor.SERVICE, Actor.SERVICE, "Notification delivered", Tone.GOOD),
    "callback_abandoned": (Actor.SERVICE, Actor.SERVICE, "Notification given up", Tone.BAD),
}
_ELSEWHERE: Final = (Actor.SERVICE, Actor.SERVICE, "Something else", Tone.PLAIN)


def steps_of(messages: Iterable[Message], *, began_at: float) -> tuple[Step, ...]:
    """The diagram in the order of time; polls that were told the same are one step."""
    ordered = sorted(messages, key=lambda message: (message.at, message.number))
    steps: list[Step] = []
    for message in ordered:
        step = _step(message, began_at)
        if steps and _repeats(steps[-1], step):
            steps[-1] = _folded(steps[-1], step)
        else:
            steps.append(step)
    return tuple(steps)


def _step(message: Message, began_at: float) -> Step:
    at = max(0.0, message.at - began_at)
    match message.seen:
        case Exchange() as exchange:
            return _asked(exchange, at, message.number)
        case Notified() as notified:
            return _notified(notified, at, message.number)
        case Told(entry=entry):
            return _told(entry, at, message.number)


def _asked(exchange: Exchange, at: float, number: int) -> Step:
    purpose = purpose_of(exchange)
    resource = purpose is Purpose.RESOURCE
    return Step(
        sender=Actor.CLIENT,
        receiver=Actor.RESOURCE if resource else Actor.SERVICE,
        label=purpose,
        detail=f"{exchange.method} {urlsplit(exchange.url).path}",
        answer=_answer(exchange),
        tone=_tone(exchange),
        at=at,
        took=exchange.seconds,
        messages=(number,),
    )


def _notified(notified: Notified, at: float, number: int) -> Step:
    exchange = notified.exchange
    members = _members(exchange.request_body)
    pushed = bool(members.keys() - {"auth_req_id"})
    return Step(
        sender=Actor.SERVICE,
        receiver=Actor.CLIENT,
        label=_pushed_label(members) if pushed else "Ping",
        detail=f"POST {urlsplit(exchange.url).path}",
        answer=_answer(exchange) if notified.as_told is None else _as_switched(exchange),
        tone=_tone(exchange),
        at=at,
        took=exchange.seconds,
        messages=(number,),
    )


def _pushed_label(members: dict[str, object]) -> str:
    error = members.get("error")
    return f"Push: {error}" if isinstance(error, str) else "Push: tokens"


def _told(entry: LedgerEntry, at: float, number: int) -> Step:
    sender, receiver, label, tone = _PLACES.get(entry.event, _ELSEWHERE)
    return Step(
        sender=sender,
        receiver=receiver,
        label=label,
        detail=_facts(entry) or f"ledger: {entry.event}",
        tone=tone,
        at=at,
        messages=(number,),
    )


def _facts(entry: LedgerEntry) -> str:
    facts = []
    if entry.attempt is not None:
        answered = "no answer" if entry.status is None else str(entry.status)
        facts.append(f"attempt {entry.attempt}: {answered}")
    if entry.again_at is not None:
        facts.append(f"again in {max(0.0, entry.again_at - entry.at):.0f} s")
    if entry.reason is not None:
        facts.append(entry.reason)
    return ", ".join(facts)


def _answer(exchange: Exchange) -> str:
    if exchange.status is None:
        return exchange.failure or "no answer"
    error = _members(exchange.response_body).get("error")
    said = error if isinstance(error, str) else status_phrase(exchange.status)
    return f"{exchange.status} {said}".strip()


def _as_switched(exchange: Exchange) -> str:
    answer = "no answer" if exchange.status is None else str(exchange.status)
    return f"{answer}, as switched"


def _tone(exchange: Exchange) -> Tone:
    if exchange.status in _OK:
        return Tone.GOOD
    error = _members(exchange.response_body).get("error")
    return Tone.WAITING if error in {_PENDING, "slow_down", "use_dpop_nonce"} else Tone.BAD


def _members(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (ValueError, RecursionError):
        return {}


def _repeats(before: Step, step: Step) -> bool:
    alike = (before.label, before.answer) == (step.label, step.answer)
    return alike and step.label == Purpose.POLL and step.answer.endswith(_PENDING)


def _folded(before: Step, step: Step) -> Step:
    messages: Sequence[int] = (*before.messages, *step.messages)
    return msgspec.structs.replace(
        before, messages=tuple(messages), count=before.count + 1, took=step.took
    )
