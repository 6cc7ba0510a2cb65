"""Files of rules (``run --rules FILE``): what may stand there, and their meaning."""

from pathlib import Path
from typing import Annotated

import msgspec

from authenticator_sim.core.deciding.rules import (
    Action,
    AmountRange,
    Rule,
    Rules,
    TextMatch,
    parse_amount_range,
)
from authenticator_sim.documents import Misplaced, parse_document, read_text

__all__ = ["parse_rules", "read_rules"]

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class _Like(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    like: _Text


class _When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client: _Text | _Like | None = None
    payee: _Text | _Like | None = None
    binding_message: _Text | _Like | None = None
    title: _Text | _Like | None = None
    type: _Text | None = None
    amount: _Text | tuple[_Text, ...] = ()


class _Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    then: Action
    when: _When = _When()
    name: _Text | None = None
    slow: _Seconds = 0.0


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rules: Annotated[tuple[_Rule, ...], msgspec.Meta(max_length=200)]
    default: Action = Action.IGNORE
    new_phones: Action = Action.IGNORE


def read_rules(path: Path) -> Rules:
    """Read a file of rules; raises ``UsageError`` with its line."""
    return parse_rules(read_text(path), name=str(path))


def parse_rules(text: str, *, name: str) -> Rules:
    """Read rules; ``name`` is what to call them. Raises ``UsageError``."""
    return parse_document(text, _Document, _rules, name=name)


def _rules(document: _Document) -> Rules:
    rules = tuple(_rule(number, rule) for number, rule in enumerate(document.rules))
    return Rules(rules, document.default, document.new_phones)


def _rule(number: int, rule: _Rule) -> Rule:
    when = rule.when
    comparisons = (when.amount,) if isinstance(when.amount, str) else when.amount
    return Rule(
        name=rule.name or f"rule {number + 1}",
        action=rule.then,
        slow=rule.slow,
        client=_text(when.client),
        payee=_text(when.payee),
        binding_message=_text(when.binding_message),
        title=_text(when.title),
        type=when.type,
        amount=tuple(_amount(text, f"$.rules[{number}].when.amount") for text in comparisons),
    )


def _text(wanted: str | _Like | None) -> TextMatch | None:
    match wanted:
        case None:
            return None
        case _Like(like=pattern):
            return TextMatch(pattern, is_pattern=True)
        case _:
            return TextMatch(wanted)


def _amount(text: str, path: str) -> AmountRange:
    try:
        return parse_amount_range(text)
    except ValueError as error:
        raise Misplaced(path, str(error)) from error
