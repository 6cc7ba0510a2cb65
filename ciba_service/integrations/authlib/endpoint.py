"""An endpoint of an Authlib server that authenticates its client and calls one step."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, cast

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749.endpoint import Endpoint, EndpointRequest

from ciba_service.flow.clients.client_authentication import VerifiedClient
from ciba_service.integrations.authlib.clients import HostClient
from ciba_service.integrations.authlib.entrance import (
    EnteredService,
    authenticated,
    posted_form,
    verified,
)
from ciba_service.integrations.portal import Portal

__all__ = ["CibaEndpoint"]


class CibaEndpoint(Endpoint, ABC):
    """``server.register_endpoint`` takes an instance.

    ``auth_methods`` are those that the host offers at its token endpoint (CIBA 7.1).
    """

    def __init__(self, portal: Portal[EnteredService], *, auth_methods: Collection[str]) -> None:
        super().__init__()
        self.portal = portal
        self._auth_methods = auth_methods

    def validate_request(self, request: OAuth2Request) -> EndpointRequest:
        """Who asks; raises ``OAuth2Error``."""
        posted_form(request)
        client = authenticated(self.server, request, self._auth_methods)
        return EndpointRequest(request, client)

    def create_response(self, validated_request: EndpointRequest) -> tuple[int, Any, list[Any]]:
        """Take the step and answer; raises ``OAuth2Error``."""
        client = verified(cast("HostClient", validated_request.client))
        return self.answer(client, posted_form(validated_request.request))

    @abstractmethod
    def answer(self, client: VerifiedClient, form: dict[str, str]) -> tuple[int, Any, list[Any]]:
        """Status, body and headers; raises ``OAuth2Error``."""
