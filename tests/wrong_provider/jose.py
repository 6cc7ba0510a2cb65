"""Signatures: what a client signed, verified as far as the faults allow."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

__all__ = ["Signed", "sign", "verified"]


@dataclass(frozen=True)
class Signed:
    """A compact JWS, taken apart and not verified."""

    text: str
    header: dict[str, Any]
    claims: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take it apart; raises ``ValueError`` where it is none of a JSON object."""
        header, payload, _ = text.split(".")
        parts = _object(header), _object(payload)
        return cls(text, *parts)


class _AnyHeader(jws.JWSRegistry):
    """Leaves the header to whoever asks for verification."""

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Whatever it is."""


def verified(signed: Signed, keys: Iterable[Mapping[str, Any]], algorithms: list[str]) -> bool:
    """Whether one of the keys signed it, with one of the algorithms."""
    if signed.header.get("alg") not in algorithms:
        return False
    kid = signed.header.get("kid")
    return any(
        _verifies(signed.text, key, algorithms)
        for key in keys
        if kid is None or key.get("kid") == kid
    )


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: ECKey | RSAKey) -> str:
    """A compact JWS with ES256 or, for a fault, another algorithm."""
    registry = jws.JWSRegistry(algorithms=["ES256", "RS256"], strict_check_header=False)
    return jws.serialize_compact(dict(header), json.dumps(claims).encode(), key, registry=registry)


def _verifies(text: str, key: Mapping[str, Any], algorithms: list[str]) -> bool:
    bare = {name: value for name, value in key.items() if name not in {"alg", "use", "key_ops"}}
    registry = _AnyHeader(algorithms=algorithms)
    registry.max_payload_length = 100_000
    try:
        jws.deserialize_compact(text, import_key(bare), registry=registry)
    except (JoseError, ValueError):
        return False
    return True


def _object(segment: str) -> dict[str, Any]:
    found = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - malformed is malformed
    return found
