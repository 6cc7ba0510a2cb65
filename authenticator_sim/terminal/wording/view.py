"""A challenge as the user sees it: who asks, for what, how much to whom, and how long it is open.

Pure: from a challenge and the seconds left to text (PSD2 RTS art. 5(1)(a), CIBA 7.1).
"""

from datetime import UTC, datetime
from typing import Final

from authenticator_sim.terminal.look.text import harmless
from ciba_service.sca.messages import Challenge, Display, Factor, ShownDetail

__all__ = ["moment", "render_challenge", "render_choices", "render_details", "time_left"]

_WIDTH: Final = 64
_RULE: Final = "=" * _WIDTH
_THIN: Final = "-" * _WIDTH
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"


def render_challenge(challenge: Challenge, seconds_left: int, *, bold: bool = False) -> str:
    """Show everything that is signed for display, each text on a line of its own, uncut."""
    display = challenge.display
    lines = [
        _RULE,
        _strong(harmless(display.title), bold=bold),
        _THIN,
        f"  Asked by:   {_strong(harmless(display.client), bold=bold)}",
        *_binding_message(display, bold=bold),
        *_payment(display, bold=bold),
        *render_details(display.details, bold=bold),
        *_shares(display),
        *_code(challenge),
        f"  Time left:  {time_left(seconds_left)}",
        _RULE,
    ]
    return "\n".join(lines) + "\n"


def render_choices() -> str:
    """Offer the answers: declining first, by default, and with the same weight as approving."""
    return (
        "  If you did not expect this, decline.\n"
        "\n"
        "  [ Enter ]  DECLINE\n"
        "  [ n     ]  DECLINE, this was not me\n"
        "  [ a     ]  APPROVE\n"
    )


def render_details(details: tuple[ShownDetail, ...], *, bold: bool = False) -> tuple[str, ...]:
    """Show all of each detail, line by line, with nothing where there is none."""
    shown = tuple(line for detail in details for line in ("", *_detail(detail, bold=bold)))
    return (*shown, "") if shown else ()


def moment(seconds: int) -> str:
    """An instant in seconds since the epoch, as date and time of day in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def time_left(seconds: int) -> str:
    """Minutes and seconds, or that there is no time any more."""
    minutes, rest = divmod(max(0, seconds), 60)
    return f"{minutes}:{rest:02d} min" if seconds > 0 else "expired"


def _strong(text: str, *, bold: bool) -> str:
    return f"{_BOLD}{text}{_PLAIN}" if bold else text


def _binding_message(display: Display, *, bold: bool) -> tuple[str, ...]:
    if display.binding_message is None:
        return ()
    return (
        f"  Message:    {_strong(harmless(display.binding_message), bold=bold)}",
        "              (the other device must show the same)",
    )


def _payment(display: Display, *, bold: bool) -> tuple[str, ...]:
    rows = (
        ("AMOUNT", display.amount),
        ("TO", display.payee),
        ("ACCOUNT", display.payee_account),
        ("REFERENCE", display.remittance_information),
    )
    shown = tuple(
        line
        for label, value in rows
        if value is not None
        for line in (f"  {label}", f"      {_strong(harmless(value), bold=bold)}", "")
    )
    return (_THIN, "", *shown, _THIN) if shown else ()


def _detail(detail: ShownDetail, *, bold: bool) -> tuple[str, ...]:
    lines = tuple(
        text
        for line in detail.lines
        for text in (
            f"    {harmless(line.label)}:",
            *(f"      - {_strong(harmless(shown), bold=bold)}" for shown in line.texts),
        )
    )
    return (f"  {_strong(harmless(detail.title), bold=bold)}", *lines)


def _shares(display: Display) -> tuple[str, ...]:
    if not display.shares:
        return ()
    return ("  Will share:", *(f"    - {harmless(share)}" for share in display.shares))


def _code(challenge: Challenge) -> tuple[str, ...]:
    if Factor.VERIFICATION_CODE not in challenge.factors:
        return ()
    # NIST SP 800-63B-4 3.1.3: typed, not compared; whoever sees no code was not asked to approve.
    return (
        "  Code:       the other device shows six digits; you will be",
        "              asked for them. If it shows none, decline.",
    )
