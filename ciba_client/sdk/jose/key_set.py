"""The provider's published keys (JWK Set, RFC 7517) and the choice among them."""

from dataclasses import dataclass

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError

from ciba_client.sdk.errors import InvalidIdToken, InvalidProviderResponse, UnknownSigningKey
from ciba_client.sdk.jose.algorithms import (
    AsymmetricKey,
    JwkMembers,
    SignatureAlgorithm,
    fits,
    import_jwk,
)

__all__ = ["ProviderKeys", "parse_key_set"]


class _JwkSet(msgspec.Struct):
    keys: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class ProviderKeys:
    """Public keys that may verify signatures of the provider."""

    keys: tuple[AsymmetricKey, ...]

    def choose(self, *, algorithm: SignatureAlgorithm, kid: str | None) -> AsymmetricKey:
        """Find the one key for a signature (OpenID Connect Core 10.1).

        Raises:
            UnknownSigningKey: no published key fits; a fresh set may hold it.
            InvalidIdToken: several keys fit and the header does not say which.
        """
        fitting = [
            key for key in self.keys if fits(key, algorithm) and (kid is None or key.kid == kid)
        ]
        if not fitting:
            raise UnknownSigningKey("no published key fits the ID token")
        if len(fitting) > 1:
            raise InvalidIdToken("several published keys fit the ID token")
        return fitting[0]


def parse_key_set(body: bytes) -> ProviderKeys:
    """Read a JWK Set, skipping keys that are broken, symmetric, or of unknown kinds (RFC 7517 5).

    Raises:
        InvalidProviderResponse: not a JWK Set.
    """
    try:
        published = msgspec.json.decode(body, type=_JwkSet).keys
    except (ValueError, RecursionError) as error:
        raise InvalidProviderResponse("the provider's keys are not a JWK Set") from error
    imported = (_public_key(members) for members in published)
    return ProviderKeys(tuple(key for key in imported if key is not None))


def _public_key(members: dict[str, object]) -> AsymmetricKey | None:
    relevant: JwkMembers = {
        name: value
        for name, value in members.items()
        if name != "d" and isinstance(value, str | list)
    }
    try:
        return import_jwk(relevant)
    except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, LookupError):
        return None
