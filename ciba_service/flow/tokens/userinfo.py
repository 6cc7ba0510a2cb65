"""A client asks about the user (OpenID Connect Core 5.3)."""

from ciba_service.flow.tokens.resource_access import ResourceAccess, ResourceRequest
from ciba_service.ports import UserDirectory
from ciba_service.protocol.tokens.userinfo import UserinfoResponse, granted_claims

__all__ = ["Userinfo"]


class Userinfo:
    """Tells of a user what the token's scope covers."""

    def __init__(self, *, access: ResourceAccess, users: UserDirectory) -> None:
        self._access = access
        self._users = users

    async def tell(self, request: ResourceRequest) -> UserinfoResponse:
        """The claims, always with ``sub``.

        Raises:
            InsufficientScopeError: when the token does not cover ``openid``.
            OAuth2Error, StoreUnavailable: as ``ResourceAccess.admit`` does.
        """
        live = await self._access.admit(request)
        user = await self._users.find_subject(live.grant.subject)
        if user is None:
            raise AssertionError("the account gate knows the user")
        return granted_claims(live.grant.sub, live.token.scope, user.claims)
