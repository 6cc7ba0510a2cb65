"""A JWT of the provider, taken apart and verified (RFC 7515, OpenID Connect Core 3.1.3.6)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from ciba_client.conformance.check import Violation
from ciba_client.conformance.expectations import expect
from ciba_client.sdk.errors import CibaClientError
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.jose.algorithms import REGISTRY, SignatureAlgorithm, half_hash
from ciba_client.sdk.jose.key_set import parse_key_set

__all__ = ["Jwt", "parse_jwt", "verified"]

_SEGMENTS = 3


@dataclass(frozen=True, slots=True)
class Jwt:
    """Header and claims, not verified."""

    text: str = field(repr=False)
    header: Mapping[str, object]
    claims: Mapping[str, object] = field(repr=False)

    @property
    def algorithm(self) -> str:
        """What it says that it is signed with."""
        return str(self.header.get("alg"))

    def half_hash(self, token: str) -> str:
        """What an ``at_hash`` of this JWT has to be."""
        try:
            algorithm = SignatureAlgorithm(self.algorithm)
        except ValueError as error:
            raise Violation("a known algorithm", f"it is {readable(self.algorithm)}") from error
        return base64.urlsafe_b64encode(half_hash(token, algorithm)).rstrip(b"=").decode()


def parse_jwt(name: str, text: str) -> Jwt:
    """Take a compact JWS apart; raises ``Violation``."""
    segments = text.encode().split(b".")
    expect(len(segments) == _SEGMENTS, f"{name}, a signed JWT", f"{len(segments)} segments")
    try:
        header, claims = (
            msgspec.json.decode(urlsafe_b64decode(each), type=dict[str, object])
            for each in segments[:2]
        )
    except (ValueError, RecursionError) as error:
        raise Violation(f"{name}, a signed JWT", "it is malformed") from error
    return Jwt(text, header, claims)


def verified(jwt: Jwt, jwks: bytes) -> None:
    """Verify the signature by the published key that ``kid`` names; raises ``Violation``."""
    kid = jwt.header.get("kid")
    expect(isinstance(kid, str) and kid, "a kid in the header", f"it is {kid!r}")
    try:
        algorithm = SignatureAlgorithm(jwt.algorithm)
        key = parse_key_set(jwks).choose(algorithm=algorithm, kid=str(kid))
        jws.deserialize_compact(jwt.text, key, registry=REGISTRY)
    except (CibaClientError, JoseError, ValueError) as error:
        raise Violation("a signature by a published key", readable(str(error))) from error
