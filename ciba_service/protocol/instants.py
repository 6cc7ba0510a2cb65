"""Instants, which are milliseconds since the epoch everywhere inside, as others read them.

A record that somebody changed may say anything: what lies outside of the years that can be written
down is told as the first or the last of them.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["instant", "moment"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = 253_402_300_799_999
"""The end of the year 9999 (RFC 3339 1)."""


def moment(at: int) -> datetime:
    """An instant with its date, in UTC."""
    return _EPOCH + timedelta(milliseconds=min(max(at, 0), _LAST))


def instant(at: int) -> str:
    """As RFC 3339 has it, to the millisecond."""
    return moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
