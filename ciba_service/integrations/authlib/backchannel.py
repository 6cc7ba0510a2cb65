"""The backchannel authentication endpoint of an Authlib server (CIBA 7)."""

from http import HTTPStatus
from typing import Any

from authlib.consts import default_json_headers

from ciba_service.flow.asking.initiation import Acknowledgement
from ciba_service.flow.clients.client_authentication import VerifiedClient
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.integrations.authlib.endpoint import CibaEndpoint
from ciba_service.integrations.authlib.entrance import called

__all__ = ["BackchannelAuthenticationEndpoint"]


class BackchannelAuthenticationEndpoint(CibaEndpoint):
    """``server.create_endpoint_response("backchannel_authentication")``, for POST only."""

    ENDPOINT_NAME = "backchannel_authentication"

    def answer(self, client: VerifiedClient, form: dict[str, str]) -> tuple[int, Any, list[Any]]:
        """Start a transaction and acknowledge it (CIBA 7.3); raises ``OAuth2Error``."""
        sent = ClientRequest(form)
        acknowledged = called(
            self.portal, lambda ciba: ciba.steps.initiation.initiate_for(client, sent)
        )
        return HTTPStatus.OK, _stated(acknowledged), default_json_headers


def _stated(acknowledged: Acknowledgement) -> dict[str, str | int]:
    members: dict[str, str | int | None] = {
        "auth_req_id": acknowledged.auth_req_id.value,
        "expires_in": acknowledged.expires_in,
        "interval": acknowledged.interval,
        "verification_code": acknowledged.verification_code,
    }
    return {name: value for name, value in members.items() if value is not None}
