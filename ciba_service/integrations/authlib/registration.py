"""CIBA's client metadata at the registration endpoint of an Authlib server (CIBA 4, RFC 7591)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from authlib.oauth2.claims import BaseClaims
from joserfc.errors import InvalidClaimError

from ciba_service.integrations.authlib.clients import registered_metadata
from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.names import CIBA_GRANT_TYPE

__all__ = ["CibaClientMetadataClaims"]

_CIBA: Final = (
    "backchannel_token_delivery_mode",
    "backchannel_client_notification_endpoint",
    "backchannel_authentication_request_signing_alg",
    "backchannel_user_code_parameter",
)
# What the rules look at besides; whatever else a client sends, a profile of ours say, is the
# operator's to decide.
_RULED: Final = frozenset(
    {"client_name", "grant_types", "jwks", "jwks_uri", "scope"}
    | {"token_endpoint_auth_method", "token_endpoint_auth_signing_alg"}
)


class CibaClientMetadataClaims(BaseClaims):
    """``ClientRegistrationEndpoint(claims_classes=[ClientMetadataClaims, this])``.

    A client that wants CIBA registers only what can be served: push cannot.
    """

    REGISTERED_CLAIMS = [*_CIBA]  # noqa: RUF012 - as Authlib has it

    def validate(self, now: int | Callable[[], int] | None = None, leeway: int = 0) -> None:
        """Raises ``InvalidClaimError``, which Authlib answers as ``invalid_client_metadata``."""
        super().validate(now, leeway)
        sent = cast("Mapping[str, Any]", self)
        grants = sent.get("grant_types")
        wants_ciba = isinstance(grants, list) and CIBA_GRANT_TYPE in grants
        if not wants_ciba and sent.keys().isdisjoint(_CIBA):
            return
        members = {name: value for name, value in sent.items() if name in _RULED.union(_CIBA)}
        try:
            registered_metadata("not-named-yet", members)
        except InvalidMetadataError as error:
            raise InvalidClaimError(error.member or "grant_types") from error
