"""Standard input and output that are missing, or end before the command does."""

import errno
import os
import sys
from pathlib import Path
from typing import Final

__all__ = ["end_without_output", "have_standard_streams"]

_LAST: Final = 2
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def have_standard_streams() -> None:
    """Let those that are closed lead nowhere, before a file or socket takes their number."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        pass
    os.close(descriptor)
    nowhere = Path(os.devnull)
    sys.stdin = sys.stdin or nowhere.open("r", encoding="utf-8")
    sys.stdout = sys.stdout or nowhere.open("w", encoding="utf-8")
    sys.stderr = sys.stderr or nowhere.open("w", encoding="utf-8")


def end_without_output(error: OSError, program: str) -> None:
    """Say why standard output took no more, unless its reader has gone.

    Raises:
        OSError: the error itself, if it is one of anything else.
    """
    has_no_room = error.errno in _NO_ROOM
    if not has_no_room and not isinstance(error, BrokenPipeError):
        raise error
    # What is left in the buffer goes nowhere.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if has_no_room:
        sys.stderr.write(f"{program}: the output cannot be written: {error.strerror}\n")
