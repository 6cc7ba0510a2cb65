"""What makes a call of a protected resource (RFC 6750 2.1, RFC 9449 7.1)."""

from collections.abc import Mapping

from ciba_client.sdk.dpop.key import DpopKey
from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.provider.answers import TokenType
from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["resource_headers"]


def resource_headers(
    tokens: TokenSet,
    *,
    method: str,
    url: str,
    dpop_key: DpopKey | None,
    nonce: str | None,
    now: float,
) -> Mapping[str, str]:
    """The headers for one call; ``now`` is in seconds since the epoch.

    Raises:
        ConfigurationError: the tokens are bound to a key that this client does not have.
    """
    headers = {"Authorization": f"{tokens.token_type} {tokens.access_token}"}
    if tokens.token_type is TokenType.BEARER:
        return headers
    if dpop_key is None:
        raise ConfigurationError("the tokens are bound to a DPoP key of another client")
    headers["DPoP"] = dpop_key.proof(
        method=method, url=url, now=now, nonce=nonce, access_token=tokens.access_token
    )
    return headers
