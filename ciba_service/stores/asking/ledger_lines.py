"""The lines of a ledger in Redis: a kind, an instant, and facts as ``name=value``."""

from typing import Any, Final

import msgspec

from ciba_service.ports import CallbackProgress, UnknownRecordFormat
from ciba_service.protocol.transaction.callbacks import CallbackState
from ciba_service.protocol.transaction.ledger import LedgerEntry, LedgerKind
from ciba_service.stores.driver.script import Script

__all__ = ["LEDGER_BYTES", "LEDGER_PRELUDE", "attempt_line", "parse_line", "redelivery_line"]

LEDGER_BYTES: Final = 16_384
"""About two hundred attempts to call back; so many fit into no lifetime."""

LEDGER_PRELUDE: Final = f"local LEDGER_BYTES = {LEDGER_BYTES}\n{Script.load('ledger').text}"

_KINDS: Final = {
    CallbackState.DUE: LedgerKind.CALLBACK_DUE,
    CallbackState.DELIVERED: LedgerKind.CALLBACK_DELIVERED,
    CallbackState.ABANDONED: LedgerKind.CALLBACK_ABANDONED,
}


def attempt_line(progress: CallbackProgress, *, now: int) -> str:
    """What is to be told of a callback; nothing when it only found no place and was not tried."""
    was_tried = progress.status is not None or progress.failure is not None
    if progress.state is CallbackState.DUE and not was_tried:
        return ""
    facts: dict[str, object] = {
        "attempt": progress.attempts or None,
        "status": progress.status,
        "failure": progress.failure,
        "again_at": progress.again_at or None,
        "reason": progress.reason,
    }
    told = (f"{name}={value}" for name, value in facts.items() if value is not None)
    return " ".join((_KINDS[progress.state], str(now), *told))


def redelivery_line(*, now: int) -> str:
    """What is to be told of a callback that an operator makes due again."""
    return f"{LedgerKind.CALLBACK_DUE} {now} again_at={now} reason=redelivered"


def parse_line(line: str) -> LedgerEntry:
    """Read a line; what a newer version adds to it is left out.

    Raises:
        UnknownRecordFormat: when it is no such line.
    """
    try:
        kind, at, *facts = line.split(" ")
        members: dict[str, Any] = dict(fact.split("=", 1) for fact in facts)
        return msgspec.convert({"kind": kind, "at": at, **members}, LedgerEntry, strict=False)
    except ValueError as error:
        raise UnknownRecordFormat("a line of a ledger has another format") from error
