"""A client reads accounts of the user: as far as the token goes, and no further."""

from typing import Final

from ciba_service.flow.tokens.resource_access import ResourceAccess, ResourceRequest
from ciba_service.ports import Clock
from ciba_service.protocol.resource.accounts import AccountList, covered_accounts, demo_accounts
from ciba_service.protocol.resource.authentication import AuthenticationDemand
from ciba_service.protocol.tokens.refresh_token import LONGEST_REFRESH_LIFETIME

__all__ = ["AccountInformation"]

# PSD2 RTS art. 10(2)(b): access to accounts needs strong authentication every 180 days.
_DEMAND: Final = AuthenticationDemand(max_age=LONGEST_REFRESH_LIFETIME)


class AccountInformation:
    """Shows the accounts of a token's user; ``scope`` is what stands for all of them."""

    def __init__(self, *, access: ResourceAccess, scope: str, clock: Clock) -> None:
        self._access = access
        self._scope = scope
        self._clock = clock

    async def tell(self, request: ResourceRequest) -> AccountList:
        """The accounts that the token covers.

        Raises:
            InsufficientUserAuthenticationError: when the approval is too long ago.
            InsufficientScopeError: when the token covers no accounts.
            OAuth2Error, StoreUnavailable: as ``ResourceAccess.admit`` does.
        """
        live = await self._access.admit(request)
        _DEMAND.verify(live.grant, now=self._clock.now_ms() // 1000)
        return AccountList(
            covered_accounts(
                demo_accounts(live.grant.subject),
                scope=live.token.scope,
                details=live.details,
                granted=live.grant.details,
                sufficient_scope=self._scope,
            )
        )
