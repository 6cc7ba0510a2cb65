"""Budgets in Redis: a sorted set of operations for each name, under its keyed hash."""

from typing import Final

from ciba_service.ports import Budget, BudgetKind
from ciba_service.stores.driver.script import Script
from ciba_service.stores.keys import budget_key
from ciba_service.stores.operations import Operations
from ciba_service.stores.sealing import Sealer

__all__ = ["RedisBudgets"]

_CHARGE: Final = Script.load("count_in_window")


class RedisBudgets:
    """``ports.BudgetStore`` on Redis."""

    __slots__ = ("_operations", "_sealer")

    def __init__(self, operations: Operations, sealer: Sealer) -> None:
        self._operations = operations
        self._sealer = sealer

    async def charge(
        self, kind: BudgetKind, *name: str, budget: Budget, operation: str, now: int
    ) -> bool:
        """Count the request, if it still may."""
        counted = await self._operations.evaluate(
            _CHARGE,
            [budget_key(self._sealer.keyed_hash(f"budget-{kind}", *name))],
            [operation, budget.limit, budget.window, now],
        )
        return bool(counted)
