"""The provider's published keys (RFC 7517, OpenID Connect Discovery 3)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from joserfc.util import base64_to_int

from ciba_client.conformance.check import Check, Violation
from ciba_client.conformance.expectations import expect, expect_status
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SMALLEST_RSA: Final = 2048

Jwk = Mapping[str, object]


class _JwkSet(msgspec.Struct):
    keys: list[dict[str, object]]


def _keys(stage: Stage) -> Sequence[Jwk]:
    expect_status(stage.jwks, 200)
    # Whatever its media type: application/jwk-set+json is as good (RFC 7517 8.5).
    try:
        return msgspec.json.decode(stage.jwks.body, type=_JwkSet).keys
    except (ValueError, RecursionError) as error:
        raise Violation("a JWK Set at jwks_uri", "the body is none") from error


async def _public(stage: Stage) -> None:
    for key in _keys(stage):
        private = sorted(_PRIVATE & key.keys())
        expect(not private, "public keys alone", f"a key has {', '.join(private)}")
        expect(key.get("kty") != "oct", "public keys alone", "there is a symmetric key")


async def _named(stage: Stage) -> None:
    keys = _keys(stage)
    expect(keys, "at least one key", "there is none")
    expect(all(key.get("kid") for key in keys), "a kid in each key", "there is one without")
    counts = Counter(tuple(str(key.get(name)) for name in ("kid", "kty", "use")) for key in keys)
    twice = [kid for (kid, _, _), count in counts.items() if count > 1]
    expect(not twice, "different kids", f"{', '.join(twice)} is there twice")


async def _large(stage: Stage) -> None:
    for key in _keys(stage):
        modulus = key.get("n")
        if key.get("kty") == "RSA" and isinstance(modulus, str):
            bits = _bits(modulus)
            expect(bits >= _SMALLEST_RSA, "RSA keys of 2048 bits at least", f"one has {bits}")


def _bits(modulus: str) -> int:
    try:
        return base64_to_int(modulus).bit_length()
    except ValueError as error:
        raise Violation("n, an integer in base64url", "it is none") from error


CHECKS: Final = (
    Check(
        id="jwks-public-keys",
        title="The published keys are public ones",
        run=_public,
        requirements=("oidd-3-2",),
        modules=("discovery-end-point-verification",),
    ),
    Check(
        id="jwks-key-ids",
        title="Each published key has a kid of its own",
        run=_named,
        requirements=("oidc-10.1-1", "fapi1-p2-8.9-2"),
        modules=("discovery-end-point-verification",),
    ),
    Check(
        id="jwks-key-sizes",
        title="Published RSA keys have 2048 bits at least",
        run=_large,
        requirements=("fapi1-p1-5.2.2-5",),
        modules=("discovery-end-point-verification",),
    ),
)
