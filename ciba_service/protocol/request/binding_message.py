"""The binding message: short plain text that reads the same on both devices (CIBA 7.1)."""

import unicodedata
from typing import Final

from ciba_service.protocol.errors import InvalidBindingMessageError, Reason
from ciba_service.protocol.plain_text import NotPlainTextError, parse_plain_text

__all__ = ["MAXIMUM_LENGTH", "parse_binding_message"]

MAXIMUM_LENGTH: Final = 100
# NFC makes one character of four at most; a longer text is not worth normalising.
_MAXIMUM_RAW_LENGTH: Final = 4 * MAXIMUM_LENGTH


def parse_binding_message(text: str) -> str:
    """The message as it came, found fit to be shown: refused, never changed.

    Raises:
        InvalidBindingMessageError: when it is empty, longer than 100 characters after NFC, or not
            plain text (``protocol.plain_text``).
    """
    message = unicodedata.normalize("NFC", text[: _MAXIMUM_RAW_LENGTH + 1])
    if not 1 <= len(message) <= MAXIMUM_LENGTH:
        raise InvalidBindingMessageError from Reason("its length is not 1 to 100 characters")
    try:
        parse_plain_text(message)
    except NotPlainTextError as error:
        raise InvalidBindingMessageError from Reason(str(error))
    return text
