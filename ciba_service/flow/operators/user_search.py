"""Which users an operator looks for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["UserSearch"]

_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class UserSearch:
    """``text`` is a part of the subject identifier; ``only_locked``: whose factors are locked."""

    text: str | None = None
    only_locked: bool = False

    @property
    def is_bounded(self) -> bool:
        """Whether the text, where there is one, is neither empty nor too long."""
        return self.text is None or 0 < len(self.text) <= _LONGEST

    def among(self, subjects: Sequence[str]) -> Sequence[str]:
        """Those whose identifier has the text in it, whatever the case of its letters."""
        if self.text is None:
            return subjects
        part = self.text.casefold()
        return [each for each in subjects if part in each.casefold()]
