"""An endpoint of an Authlib server where a client takes its request back."""

from http import HTTPStatus
from typing import Any

from ciba_service.flow.clients.client_authentication import VerifiedClient
from ciba_service.integrations.authlib.endpoint import CibaEndpoint
from ciba_service.integrations.authlib.entrance import called

__all__ = ["CancellationEndpoint"]


class CancellationEndpoint(CibaEndpoint):
    """``server.create_endpoint_response("backchannel_cancellation")``, for POST only."""

    ENDPOINT_NAME = "backchannel_cancellation"

    def answer(self, client: VerifiedClient, form: dict[str, str]) -> tuple[int, Any, list[Any]]:
        """Cancel what is pending or approved, and say nothing; raises ``OAuth2Error``."""
        called(self.portal, lambda ciba: ciba.steps.cancellation.cancel_for(client, form))
        return HTTPStatus.NO_CONTENT, "", [("Cache-Control", "no-store")]
