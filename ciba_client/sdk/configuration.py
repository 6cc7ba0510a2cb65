"""Who this client is and how it was registered with its provider."""

from dataclasses import dataclass
from pathlib import Path

from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey
from ciba_client.sdk.provider.addresses import parse_issuer

__all__ = ["ClientConfiguration"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientConfiguration:
    """A registered client.

    ``sign_requests`` says whether authentication requests travel as signed request objects
    (CIBA 7.1.1; FAPI-CIBA demands it). ``assertion_audience`` replaces the issuer as the audience
    of client assertions, for providers that ask for it. ``id_token_signed_response_alg`` is the
    registered value; without one the provider's metadata decides.
    Only with ``backchannel_user_code_parameter``, as registered, does the client send user codes.
    ``backchannel_token_delivery_mode`` is needed for push; without one a client that expects
    notifications is a ping client, and any other polls.

    ``dpop_bound_access_tokens`` binds tokens to a key (RFC 9449): ``dpop_key``, or one made for
    each ``CibaClient``. With ``certificate_file`` and ``certificate_key_file`` (PEM; the key may
    stand in the first) the client uses mutual TLS (RFC 8705), at the provider's
    ``mtls_endpoint_aliases`` where there are any.

    ``ca_file`` holds the certificate authorities to trust instead of the system's. ``timeout``
    bounds a request in seconds; ``token_timeout`` bounds a token request, which a provider may
    hold for 30 s (CIBA 10.1). ``polling_wait`` asks it to hold one for so many seconds, until the
    user decides (``Prefer: wait``, RFC 7240); with 0 the provider's own rule decides.

    Raises:
        ConfigurationError: the issuer is not an acceptable URL, the client id is empty, or
            something is given that can never be used, or missing that always is.
    """

    issuer: str
    client_id: str
    key: SigningKey
    token_endpoint_auth_method: ClientAuthenticationMethod = (
        ClientAuthenticationMethod.PRIVATE_KEY_JWT
    )
    sign_requests: bool = True
    assertion_audience: str | None = None
    id_token_signed_response_alg: SignatureAlgorithm | None = None
    backchannel_token_delivery_mode: TokenDeliveryMode | None = None
    backchannel_user_code_parameter: bool = False
    dpop_bound_access_tokens: bool = False
    dpop_key: DpopKey | None = None
    certificate_file: Path | None = None
    certificate_key_file: Path | None = None
    ca_file: Path | None = None
    timeout: float = 15.0
    token_timeout: float = 45.0
    polling_wait: int = 0

    def __post_init__(self) -> None:
        parse_issuer(self.issuer)
        if not self.client_id:
            raise ConfigurationError("the client id is empty")
        if self.dpop_key is not None and not self.dpop_bound_access_tokens:
            raise ConfigurationError("a DPoP key serves a client with dpop_bound_access_tokens")
        if not 0 <= self.polling_wait < self.token_timeout:
            raise ConfigurationError("polling_wait is from 0 seconds to less than token_timeout")
        if self.certificate_file is None:
            self._verify_that_no_certificate_is_needed()

    def _verify_that_no_certificate_is_needed(self) -> None:
        if self.certificate_key_file is not None:
            raise ConfigurationError("the key of a certificate needs its certificate")
        if self.token_endpoint_auth_method is not ClientAuthenticationMethod.PRIVATE_KEY_JWT:
            raise ConfigurationError(f"{self.token_endpoint_auth_method} needs a certificate")
