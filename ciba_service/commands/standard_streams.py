"""Standard input and output of whoever is started without them."""

import os
import sys
from pathlib import Path

__all__ = ["have_standard_streams"]

_LAST = 2


def have_standard_streams() -> None:
    """Let those that are closed lead nowhere, before a file or socket takes their number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        pass
    os.close(descriptor)
    nowhere = Path(os.devnull)
    sys.stdin = sys.stdin or nowhere.open("r", encoding="utf-8")
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")
