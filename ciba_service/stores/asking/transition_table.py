"""The transaction rules as Lua: the same constants and the same table, written out from Python."""

from typing import Final

from ciba_service.protocol.transaction import polling
from ciba_service.protocol.transaction.state import (
    CALLED_BACK,
    REDEMPTION_GRACE_MS,
    TRANSITIONS,
)
from ciba_service.stores.driver.script import Script

__all__ = ["STATE_PRELUDE"]


def _table() -> str:
    rows = []
    for state, row in TRANSITIONS.items():
        cells = ", ".join(f"{event} = '{target}'" for event, target in row.items())
        rows.append(f"{state} = {{{cells}}}")
    return f"{{{', '.join(rows)}}}"


STATE_PRELUDE: Final = (
    f"local TRANSITIONS = {_table()}\n"
    f"local CALLED_BACK = {{{', '.join(f'{state} = true' for state in sorted(CALLED_BACK))}}}\n"
    f"local GRACE_MS = {REDEMPTION_GRACE_MS}\n"
    f"local SLOW_DOWN_STEP_MS = {polling.SLOW_DOWN_STEP_MS}\n"
    f"local TOLERANCE_MS = {polling.TOLERANCE_MS}\n"
    f"local TOLERANCE_DIVISOR = {polling.TOLERANCE_DIVISOR}\n"
    f"{Script.load('state').text}"
)
