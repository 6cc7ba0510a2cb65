"""The approval sheet: a challenge as a page, in the order and the words of the plain view.

PSD2 RTS art. 5(1)(a), CIBA 7.1. Labels are a column of their own, so that no text of the service
or the client can pass for one of them, however it is broken into lines.
"""

from collections.abc import Iterable
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from authenticator_sim.terminal.look.canvas import foreign
from authenticator_sim.terminal.wording.view import time_left
from ciba_service.sca.messages import Challenge, Display, Factor, ShownDetail

__all__ = ["confirmation", "details", "labelled", "shares", "sheet"]

_INDENT: Final = 2
_LABELS: Final = 13
_HURRY_SECONDS: Final = 30
_STRONG: Final = "bold"
_QUIET: Final = "dim"
_FACTORS: Final = {
    Factor.DEVICE_KEY: "this phone",
    Factor.PIN: "your PIN",
    Factor.PASSKEY: "your passkey",
    Factor.OTP: "a one-time code",
    Factor.VERIFICATION_CODE: "the code of the other device",
}


def sheet(challenge: Challenge, seconds_left: int) -> tuple[RenderableType, ...]:
    """Show everything that is signed for display, uncut, what to confirm it with, and the time."""
    display = challenge.display
    return (
        Rule(characters="━", style="cyan"),
        Padding(foreign(display.title, _STRONG), (0, _INDENT)),
        Rule(style="cyan"),
        _indented(
            labelled((("Asked by:", foreign(display.client, _STRONG)), *_binding_message(display)))
        ),
        *_payment(display),
        *(Padding(details(detail), (1, 0, 0, _INDENT)) for detail in display.details),
        *_below(challenge, seconds_left, apart=bool(display.details)),
        Rule(characters="━", style="cyan"),
    )


def details(detail: ShownDetail) -> RenderableType:
    """Show all of one detail, text by text under its labels."""
    parts: list[RenderableType] = [foreign(detail.title, _STRONG)]
    for line in detail.lines:
        parts.append(_indented(foreign(f"{line.label}:")))
        parts.extend(_indented(_item(foreign(text, _STRONG))) for text in line.texts)
    return Group(*parts)


def labelled(rows: Iterable[tuple[str, RenderableType]]) -> RenderableType:
    """Put each value beside its label."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=_LABELS, no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows:
        table.add_row(Text(label, _QUIET), value)
    return table


def shares(display: Display) -> tuple[tuple[str, RenderableType], ...]:
    """What the client will get, each share on a line of its own."""
    return tuple(
        ("" if number else "Will share:", _item(foreign(share)))
        for number, share in enumerate(display.shares)
    )


def confirmation(challenge: Challenge) -> tuple[tuple[str, RenderableType], ...]:
    """What the request is confirmed with, and what a code of the other device means."""
    return (("Confirm with:", Text(_factors(challenge))), *_code(challenge))


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, _INDENT))


def _binding_message(display: Display) -> tuple[tuple[str, RenderableType], ...]:
    if display.binding_message is None:
        return ()
    marked = "(the client's words; the other device must show the same)"
    return (
        ("Message:", foreign(display.binding_message, _STRONG)),
        ("", Text(marked, _QUIET)),
    )


def _payment(display: Display) -> tuple[RenderableType, ...]:
    rows = (
        ("AMOUNT", display.amount, "bold reverse"),
        ("TO", display.payee, "bold reverse"),
        ("ACCOUNT", display.payee_account, _STRONG),
        ("REFERENCE", display.remittance_information, _STRONG),
    )
    shown = tuple(
        Padding(part, (0, 0, bottom, left))
        for label, value, style in rows
        if value is not None
        for part, bottom, left in (
            (Text(label, _QUIET), 0, _INDENT),
            (foreign(value, style), 1, 3 * _INDENT),
        )
    )
    if not shown:
        return ()
    return (Rule(style="cyan"), Text(), *shown, Rule(style="cyan"))


def _item(text: Text) -> RenderableType:
    item = Table.grid(padding=(0, 1))
    item.add_column(width=1)
    item.add_column(overflow="fold")
    item.add_row("-", text)
    return item


def _below(challenge: Challenge, seconds_left: int, *, apart: bool) -> tuple[RenderableType, ...]:
    time_style = "bold red" if seconds_left <= _HURRY_SECONDS else _STRONG
    left = ("Time left:", Text(time_left(seconds_left), time_style))
    below = _indented(labelled((*shares(challenge.display), *confirmation(challenge), left)))
    return (Text(), below) if apart else (below,)


def _factors(challenge: Challenge) -> str:
    in_place = {Factor.PIN: "your PIN or a passkey"} if challenge.passkey_for_pin else {}
    return ", ".join({**_FACTORS, **in_place}[factor] for factor in challenge.factors)


def _code(challenge: Challenge) -> tuple[tuple[str, RenderableType], ...]:
    if Factor.VERIFICATION_CODE not in challenge.factors:
        return ()
    # NIST SP 800-63B-4 3.1.3: typed, not compared; whoever sees no code was not asked to approve.
    told = (
        "the other device shows six digits; you will be asked for them. If it shows none, decline."
    )
    return (("Code:", Text(told)),)
