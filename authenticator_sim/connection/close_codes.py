"""What the phone does after each close code: the table of docs/device-protocol.md."""

from enum import StrEnum
from typing import Final

from ciba_service.sca.messages import CloseCode

__all__ = ["AfterClose", "after_close"]


class AfterClose(StrEnum):
    """The phone's next step."""

    MEND = "mends itself; reconnects"
    NEW_NONCE = "asks for a new nonce"
    STOP_REVOKED = "stops; enrols anew"
    STOP_REPLACED = "stops"
    BACK_OFF = "reconnects with back-off"


_TABLE: Final = {
    CloseCode.MALFORMED: AfterClose.MEND,
    CloseCode.NOT_AUTHENTICATED: AfterClose.NEW_NONCE,
    CloseCode.REVOKED: AfterClose.STOP_REVOKED,
    CloseCode.NOT_APPROVED: AfterClose.BACK_OFF,
    CloseCode.TOO_SLOW: AfterClose.BACK_OFF,
    CloseCode.REPLACED: AfterClose.STOP_REPLACED,
    CloseCode.TOO_MANY_FRAMES: AfterClose.BACK_OFF,
    CloseCode.UNAVAILABLE: AfterClose.BACK_OFF,
}


def after_close(code: int | None) -> AfterClose:
    """Say what a close code asks for; ``None`` is a connection that never was or just broke."""
    try:
        return _TABLE[CloseCode(code)] if code is not None else AfterClose.BACK_OFF
    except ValueError:
        return AfterClose.BACK_OFF
