"""``x-fapi-interaction-id``: one name for a request in the logs of both sides (FAPI 1 6.2.1)."""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["INTERACTION_HEADER", "interaction_id", "sent_interaction_id"]

INTERACTION_HEADER: Final = b"x-fapi-interaction-id"
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


def interaction_id(lines: Sequence[str], token_bytes: Callable[[int], bytes]) -> str:
    """The header line as it was sent if it is one UUID, else a new one of version 4.

    Nothing but a UUID is ever repeated or logged; whatever else was sent is no reason to refuse.
    """
    return sent_interaction_id(lines) or str(uuid.UUID(bytes=token_bytes(16), version=4))


def sent_interaction_id(lines: Sequence[str]) -> str | None:
    """The header line if it is one UUID, else None."""
    return lines[0] if len(lines) == 1 and _UUID.fullmatch(lines[0]) else None
