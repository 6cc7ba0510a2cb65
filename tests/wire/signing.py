"""Signed objects for tests, right or wrong: JWS of any header, any claims, any key."""

import base64
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

ALL_ALGORITHMS = ["ES256", "PS256", "EdDSA", "Ed25519", "RS256", "ES384", "HS256", "none"]

JoseKey = ECKey | RSAKey | OKPKey


def new_key(alg: str = "ES256", kid: str = "key-1") -> JoseKey:
    """A fresh key pair that says what it is for."""
    parameters = {"kid": kid, "alg": alg, "use": "sig"}
    match alg:
        case "ES256":
            return ECKey.generate_key("P-256", parameters, private=True)
        case "PS256" | "RS256":
            return RSAKey.generate_key(2048, parameters, private=True)
        case _:
            return OKPKey.generate_key("Ed25519", parameters, private=True)


def public_jwk(key: JoseKey) -> dict[str, str]:
    """The public half."""
    return {name: str(value) for name, value in key.as_dict(private=False).items()}


def sign(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: JoseKey) -> str:
    """A compact JWS, whatever the header says; ``alg`` must fit the key."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=ALL_ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 1_000_000
    registry.max_payload_length = 10_000_000
    with warnings.catch_warnings():
        # RFC 9864 renames EdDSA; wrong algorithms are what some tests are about.
        warnings.simplefilter("ignore", SecurityWarning)
        return jws.serialize_compact(dict(header), payload, key, registry=registry)


def unsecured(claims: Mapping[str, Any]) -> str:
    """A JWS with ``alg`` none and no signature."""
    return ".".join((segment({"alg": "none"}), segment(claims), ""))


def segment(content: Mapping[str, Any]) -> str:
    """One base64url segment of a JSON object."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """The payload of a JWS, unverified."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWS, unverified."""
    header = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))


@dataclass
class Overrides:
    """Claims to change and claims to leave out."""

    changed: dict[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def apply(self, claims: dict[str, Any]) -> dict[str, Any]:
        """The claims as they are to be sent."""
        merged = {**claims, **self.changed}
        return {name: value for name, value in merged.items() if name not in self.dropped}
