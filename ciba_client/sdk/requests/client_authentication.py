"""Client authentication: ``private_key_jwt`` (RFC 7523), or by certificate (RFC 8705 2)."""

from typing import Final

from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.requests.fresh_claims import fresh_claims

__all__ = ["client_authentication"]

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def client_authentication(configuration: ClientConfiguration, *, now: float) -> dict[str, str]:
    """Form parameters that authenticate one request; never use them for a second one.

    The audience of an assertion is the issuer (CIBA 7.1) unless the configuration names another.
    """
    if configuration.token_endpoint_auth_method is not ClientAuthenticationMethod.PRIVATE_KEY_JWT:
        # RFC 8705 2: the certificate proves it, the parameter says whom to look up.
        return {"client_id": configuration.client_id}
    claims = fresh_claims(
        client_id=configuration.client_id,
        audience=configuration.assertion_audience or configuration.issuer,
        now=now,
    )
    claims["sub"] = configuration.client_id
    return {
        "client_assertion_type": _ASSERTION_TYPE,
        "client_assertion": configuration.key.sign(claims, typ="JWT"),
    }
