"""Who this client is and how it was registered with its provider."""

from dataclasses import dataclass
from pathlib import Path

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
    registered value; without one the provider's metadata decides. ``ca_file`` holds the
    certificate authorities to trust instead of the system's. ``timeout`` bounds a request in
    seconds; ``token_timeout`` bounds a token request, which a provider may hold for 30 s
    (CIBA 10.1).

    Raises:
        ConfigurationError: the issuer is not an acceptable URL, or the client id is empty.
    """

    issuer: str
    client_id: str
    key: SigningKey
    sign_requests: bool = True
    assertion_audience: str | None = None
    id_token_signed_response_alg: SignatureAlgorithm | None = None
    ca_file: Path | None = None
    timeout: float = 15.0
    token_timeout: float = 45.0

    def __post_init__(self) -> None:
        parse_issuer(self.issuer)
        if not self.client_id:
            raise ConfigurationError("the client id is empty")
