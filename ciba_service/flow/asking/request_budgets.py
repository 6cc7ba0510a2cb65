"""How often a client may ask, and ask for whom: charged whether or not the hint leads to anybody.

Whoever is refused learns nothing about users. The hint is counted for each client, so that none
uses up what others may ask for the same user.
"""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from ciba_service.ports import Budget, BudgetKind, BudgetStore, SecurityEvents
from ciba_service.protocol.errors import PolicyRefusedError, Reason
from ciba_service.protocol.request.hints import Hint, hint_name
from ciba_service.protocol.security_events.kinds import Limit, RequestLimitReached

__all__ = ["BudgetPolicy", "RequestBudgets"]

_LIMITS: Final = {BudgetKind.CLIENT: Limit.CLIENT, BudgetKind.HINT: Limit.HINT}


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """Requests of one client, and those of one client with one hint; a limit of 0 counts none."""

    of_client: Budget
    of_hint: Budget


class RequestBudgets:
    """``charges`` are awaited together with whatever else shares their round trip."""

    def __init__(self, store: BudgetStore, policy: BudgetPolicy, events: SecurityEvents) -> None:
        self._store = store
        self._events = events
        self._policy = policy

    def charges(
        self, client_id: str, hint: Hint, *, operation: str, now: int
    ) -> tuple[Coroutine[Any, Any, None], ...]:
        """What is to be charged for a request; each raises ``PolicyRefusedError`` when spent."""
        names = {
            BudgetKind.CLIENT: (self._policy.of_client, (client_id,)),
            BudgetKind.HINT: (self._policy.of_hint, (client_id, hint_name(hint))),
        }
        return tuple(
            self._charge(kind, name, budget, operation, now)
            for kind, (budget, name) in names.items()
            if budget.limit
        )

    async def _charge(
        self, kind: BudgetKind, name: tuple[str, ...], budget: Budget, operation: str, now: int
    ) -> None:
        counted = await self._store.charge(kind, *name, budget=budget, operation=operation, now=now)
        if not counted:
            self._events.security_event(RequestLimitReached(limit=_LIMITS[kind], client_id=name[0]))
            raise PolicyRefusedError from Reason(f"too many requests: {kind}")
