"""Rules that answer challenges: the first that matches says what the phone does."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ciba_service.sca.messages import Challenge, Payment

__all__ = ["Action", "AmountRange", "Judgement", "Rule", "Rules", "TextMatch", "parse_amount_range"]

_PAYMENT_TYPE: Final = "payment_initiation"
_COMPARISONS: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_AMOUNT: Final = re.compile(
    r"(?P<sign><=|>=|<|>|=)? ?(?P<number>[0-9]{1,15}(?:\.[0-9]{1,4})?) (?P<currency>[A-Z]{3})"
)


class Action(StrEnum):
    """What the phone does with a challenge."""

    APPROVE = "approve"
    DENY = "deny"
    NOT_ME = "not_me"
    IGNORE = "ignore"
    WRONG_PIN = "wrong_pin"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text to the letter; as a pattern ``*`` stands for any letters and ``?`` for one."""

    text: str
    is_pattern: bool = False

    def matches(self, shown: str | None) -> bool:
        """Whether it is what is shown."""
        if shown is None:
            return False
        return _is_like(shown, self.text) if self.is_pattern else shown == self.text


@dataclass(frozen=True, slots=True)
class AmountRange:
    """One comparison of an amount, such as ``<= 30.00 EUR``; another currency never matches."""

    sign: str
    number: Decimal
    currency: str

    def holds(self, payment: Payment) -> bool:
        """Whether it is true of a payment."""
        return payment.currency == self.currency and _COMPARISONS[self.sign](
            Decimal(payment.amount), self.number
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What must all be so of a challenge, and what is done then, after so many seconds."""

    name: str
    action: Action
    slow: float = 0.0
    client: TextMatch | None = None
    payee: TextMatch | None = None
    binding_message: TextMatch | None = None
    title: TextMatch | None = None
    type: str | None = None
    amount: tuple[AmountRange, ...] = ()

    def matches(self, challenge: Challenge) -> bool:
        """Whether all of its conditions are met."""
        display = challenge.display
        texts = (
            (self.client, display.client),
            (self.payee, display.payee),
            (self.binding_message, display.binding_message),
            (self.title, display.title),
        )
        return (
            all(wanted is None or wanted.matches(shown) for wanted, shown in texts)
            and (self.type is None or self.type in _types(challenge))
            and all(any(map(limit.holds, challenge.payments)) for limit in self.amount)
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be done, after how many seconds, and the rule that says so."""

    action: Action
    slow: float
    rule: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in their order, what is done where none matches, and with a phone that waits."""

    rules: tuple[Rule, ...]
    default: Action
    new_phones: Action = Action.IGNORE

    def judge(self, challenge: Challenge) -> Judgement:
        """Find the first rule that matches."""
        for rule in self.rules:
            if rule.matches(challenge):
                return Judgement(rule.action, rule.slow, rule.name)
        return Judgement(self.default, 0.0, "default")


def parse_amount_range(text: str) -> AmountRange:
    """Read a comparison; without a sign the amount must be equal. Raises ``ValueError``."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise ValueError("an amount is compared like <= 30.00 EUR, with <, <=, =, >= or >")
    return AmountRange(found["sign"] or "=", Decimal(found["number"]), found["currency"])


def _types(challenge: Challenge) -> frozenset[object]:
    stated = frozenset(detail.get("type") for detail in challenge.authorization_details)
    return stated | {_PAYMENT_TYPE} if challenge.payments else stated


def _is_like(text: str, pattern: str) -> bool:
    """Compare in time proportional to both lengths, whatever the pattern."""
    at = seen = mark = 0
    star = -1
    while seen < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, seen
            at += 1
        elif at < len(pattern) and pattern[at] in {"?", text[seen]}:
            at += 1
            seen += 1
        elif star >= 0:
            mark += 1
            at, seen = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
