"""How often something may be asked for, whatever comes of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

__all__ = ["Budget", "BudgetKind", "BudgetStore"]


class BudgetKind(StrEnum):
    """Who or what is counted; names of different kinds never meet."""

    CLIENT = "client"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Budget:
    """``limit`` requests within any ``window`` milliseconds."""

    limit: int
    window: int


class BudgetStore(Protocol):
    """Requests by whom and for what they were made; names are kept as keyed hashes only."""

    async def charge(
        self, kind: BudgetKind, *name: str, budget: Budget, operation: str, now: int
    ) -> bool:
        """Count the request; False when as many count as may, and this one does not. In one step.

        A resent operation counts once.
        """
        ...
