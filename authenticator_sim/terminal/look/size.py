"""How wide a terminal is."""

import os
from typing import Final

__all__ = ["columns_of"]

_UNKNOWN: Final = 80


def columns_of(terminal: int) -> int:
    """Columns of the terminal with this descriptor; eighty where it does not say.

    Raises:
        OSError: It is no terminal, or is gone.
    """
    return os.get_terminal_size(terminal).columns or _UNKNOWN
