"""Lists as tables: past decisions, open requests, phones, passkeys."""

from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from authenticator_sim.core.events import ChallengeShown, Decided, DeviceShown, PasskeyShown
from authenticator_sim.terminal.look.canvas import foreign
from authenticator_sim.terminal.look.look import Row
from authenticator_sim.terminal.sheet import confirmation, details, labelled, shares
from authenticator_sim.terminal.wording.view import moment, time_left
from ciba_service.sca.messages import Display, Verdict

__all__ = ["history_table", "table_of"]

_HEADS: Final = {
    ChallengeShown: ("Time left", "Request"),
    DeviceShown: ("Enrolled", "Phone"),
    PasskeyShown: ("Registered", "Passkey"),
}


def history_table(decisions: tuple[Decided, ...]) -> RenderableType:
    """Past decisions with all that was shown then, the oldest first."""
    table = _table("When", "Decision", "Request")
    for decided in decisions:
        at = moment(decided.decided_at // 1000)
        table.add_row(Text(at), _decision(decided), _content(decided.challenge.display))
    return table


def table_of(rows: tuple[Row, ...]) -> RenderableType:
    """Rows of one kind; names to be copied stand uncut on eighty columns."""
    table = _table(*_HEADS[type(rows[0])])
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _table(*heads: str) -> Table:
    table = Table(box=box.HORIZONTALS, show_lines=True, header_style="bold", border_style="cyan")
    for head in heads:
        table.add_column(Text(head), overflow="fold")
    return table


def _cells(row: Row) -> tuple[RenderableType, ...]:
    match row:
        case ChallengeShown():
            left = Text(time_left(row.seconds_left))
            transaction = ("Transaction:", foreign(row.transaction_id, "bold"))
            content = _content(row.challenge.display, transaction)
            return left, Group(content, labelled(confirmation(row.challenge)))
        case DeviceShown():
            this = Text("  (this phone)" if row.this else "")
            name = foreign(row.name, "bold") + this
            return Text(moment(row.enrolled_at)), Group(name, foreign(row.device_id))
        case PasskeyShown():
            synced = Text("  (synced)" if row.synced else "")
            return Text(moment(row.registered_at)), foreign(row.passkey_id) + synced


def _decision(decided: Decided) -> Text:
    if decided.verdict is Verdict.APPROVE:
        return Text("approved", "green")
    return Text(f"declined ({decided.reason})", "yellow")


def _content(display: Display, *first: tuple[str, Text]) -> RenderableType:
    """Each text of a request beside its label, in the order of the sheet."""
    texts = (
        ("Asked by:", display.client),
        ("Message:", display.binding_message),
        ("AMOUNT", display.amount),
        ("TO", display.payee),
        ("ACCOUNT", display.payee_account),
        ("REFERENCE", display.remittance_information),
    )
    shown = ((label, foreign(text)) for label, text in texts if text is not None)
    return Group(
        foreign(display.title, "bold"),
        labelled((*first, *shown)),
        *(details(detail) for detail in display.details),
        *((labelled(shares(display)),) if display.shares else ()),
    )
