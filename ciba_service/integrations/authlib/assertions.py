"""``private_key_jwt`` as this service verifies it, as a method of an Authlib server.

Authlib's own knows RS256 only and leaves replays to the host. This one knows the algorithms of the
client's profile, among them PS256 and ES256, and spends each assertion once, whatever process it
comes to (RFC 7523 3, FAPI 1.0 Part 2 5.2.2).
"""

from collections.abc import Callable
from typing import TypeVar

from authlib.oauth2 import OAuth2Request

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.host_steps import HostSteps
from ciba_service.integrations.authlib.entrance import EnteredService, called, posted_form
from ciba_service.integrations.portal import Portal

__all__ = ["ClientAssertions"]

_Client = TypeVar("_Client")


class ClientAssertions:
    """``server.register_client_auth_method(ClientAssertions.METHOD, ClientAssertions(portal))``.

    The assertion is for the issuer of the service's configuration, or for its endpoints there.
    """

    METHOD = "private_key_jwt"

    def __init__(self, portal: Portal[EnteredService]) -> None:
        self._portal = portal

    def __call__(
        self, query_client: Callable[[str], _Client | None], request: OAuth2Request
    ) -> _Client | None:
        """The client that signed, or None when there is no assertion.

        Raises:
            InvalidClientError: when the assertion does not prove who the client is.
        """
        form = posted_form(request)
        if "client_assertion" not in form:
            return None
        return query_client(called(self._portal, lambda ciba: _proven(ciba.steps, form)))


async def _proven(steps: HostSteps, form: dict[str, str]) -> str:
    verified = await steps.authentication.verify(ClientRequest(form))
    await steps.authentication.consume(verified, operation=steps.new_operation())
    return verified.client.client_id
