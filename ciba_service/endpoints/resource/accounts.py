"""``GET /resource/accounts``."""

from http import HTTPStatus
from typing import ClassVar

from ciba_service.endpoints.protected import Answer, ProtectedEndpoint, ProtectedSurroundings
from ciba_service.flow.tokens.account_information import AccountInformation
from ciba_service.flow.tokens.resource_access import ResourceRequest

__all__ = ["AccountsEndpoint"]


class AccountsEndpoint(ProtectedEndpoint):
    """Headers that say when or where from the user acts are taken and not needed."""

    methods: ClassVar = ("GET",)

    def __init__(
        self, information: AccountInformation, surroundings: ProtectedSurroundings
    ) -> None:
        super().__init__(surroundings)
        self._information = information

    async def answer(self, request: ResourceRequest, body: bytes) -> Answer:  # noqa: ARG002
        """Show the accounts."""
        return Answer(HTTPStatus.OK, await self._information.tell(request))
