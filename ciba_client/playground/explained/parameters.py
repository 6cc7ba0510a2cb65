"""What parameters of forms and members of answers say, beyond those that are claims."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ciba_client.playground.explained.claims import CLAIMS, Explanation

__all__ = ["PARAMETERS", "explain_parameter"]

_CIBA: Final = "CIBA Core 1.0"
_OAUTH: Final = "RFC 6749"
_DISCOVERY: Final = "OpenID Connect Discovery 1.0"

PARAMETERS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "request": Explanation(
            "The whole request as a JWT that this client signed.", _CIBA, "7.1.1"
        ),
        "client_assertion_type": Explanation(
            "How this client authenticates: by a signed JWT.", "RFC 7523", "2.2"
        ),
        "client_assertion": Explanation(
            "Proof that this client has its private key; good for once.", "RFC 7523", "2.2"
        ),
        "grant_type": Explanation("What the tokens are asked with.", _OAUTH, "4"),
        "auth_req_id": Explanation(
            "The client's secret handle of the request; also a key to its tokens.", _CIBA, "7.3"
        ),
        "expires_in": Explanation("In how many seconds it ends.", _CIBA, "7.3"),
        "interval": Explanation("The least number of seconds between two polls.", _CIBA, "7.3"),
        "verification_code": Explanation(
            "To be typed on the phone: shows that both devices are before the same eyes.",
            "this service",
            "number matching",
        ),
        "access_token": Explanation("Opens the resources that were granted.", _OAUTH, "5.1"),
        "token_type": Explanation("How the access token has to be shown.", _OAUTH, "7.1"),
        "refresh_token": Explanation("Brings further access tokens.", _OAUTH, "6"),
        "id_token": Explanation(
            "Who the user is, and how it was proven; signed.", "OpenID Connect Core 1.0", "2"
        ),
        "error": Explanation("Why not, as a code.", _OAUTH, "5.2"),
        "error_description": Explanation("Why not, for people.", _OAUTH, "5.2"),
        "error_uri": Explanation("Where more is said about the error.", _OAUTH, "5.2"),
        "token": Explanation("The token that is asked about.", "RFC 7662", "2.1"),
        "token_type_hint": Explanation("What kind of token it is.", "RFC 7662", "2.1"),
        "active": Explanation("Whether the token counts at this moment.", "RFC 7662", "2.2"),
        "sca_receipt": Explanation(
            "The provider's signed word about what was approved.", "this service", "SCA receipts"
        ),
        "issuer": Explanation("The provider's name, and where it is found.", _DISCOVERY, "3"),
        "token_endpoint": Explanation("Where tokens are asked for.", _DISCOVERY, "3"),
        "jwks_uri": Explanation("Where the provider's public keys are.", _DISCOVERY, "3"),
        "backchannel_authentication_endpoint": Explanation(
            "Where authentication requests go.", _CIBA, "4"
        ),
        "backchannel_token_delivery_modes_supported": Explanation(
            "How outcomes can be delivered: poll, ping, push.", _CIBA, "4"
        ),
        "backchannel_authentication_request_signing_alg_values_supported": Explanation(
            "How requests may be signed.", _CIBA, "4"
        ),
        "backchannel_user_code_parameter_supported": Explanation(
            "Whether user codes are known.", _CIBA, "4"
        ),
        "keys": Explanation("Public keys, each with its name.", "RFC 7517", "5.1"),
    }
)


def explain_parameter(name: str) -> Explanation:
    """What a parameter or member says; empty where nothing is known."""
    return PARAMETERS.get(name) or CLAIMS.get(name) or Explanation()
