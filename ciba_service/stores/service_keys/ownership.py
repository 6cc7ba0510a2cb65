"""Files that commands of root write beside those of the service."""

import os
from pathlib import Path
from typing import Final

__all__ = ["hand_over"]

_ROOT: Final = 0


def hand_over(descriptor: int, directory: Path) -> None:
    """What root writes belongs to whoever owns the directory, or the service could not use it."""
    owner = directory.stat()
    if os.geteuid() == _ROOT and os.fstat(descriptor).st_uid != owner.st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
