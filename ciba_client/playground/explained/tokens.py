"""JSON Web Tokens found in a message, decoded, explained, and verified where that is possible."""

import base64
import binascii
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from ciba_client.playground.explained.claims import Explanation, explain_claim, explain_header
from ciba_client.sdk.errors import InvalidProviderResponse
from ciba_client.sdk.jose.algorithms import REGISTRY, AsymmetricKey, SignatureAlgorithm, import_jwk
from ciba_client.sdk.jose.key_set import parse_key_set

__all__ = ["DecodedToken", "Keys", "Member", "Signature", "decode_tokens", "provider_keys"]

_LONGEST: Final = 64 * 1024
_MOST_TOKENS: Final = 12
_NAMES: Final[Mapping[str, str]] = {
    "client_assertion": "Client assertion",
    "request": "Signed authentication request",
    "dpop": "DPoP proof",
    "id_token": "ID token",
    "access_token": "Access token",
    "token": "Access token",
    "authorization": "Access token",
    "refresh_token": "Refresh token",
    "sca_receipt": "SCA receipt",
    "login_hint_token": "login_hint_token",
    "id_token_hint": "ID token of an earlier flow",
}
_OWN: Final = frozenset({"client_assertion", "request"})


class Signature(StrEnum):
    """What is known of a signature; nothing else is claimed."""

    VERIFIED = "verified"
    WRONG = "wrong"
    UNKNOWN_KEY = "unknown_key"
    OWN_WORD = "own_word"


class Member(msgspec.Struct, frozen=True):
    """One header member or claim."""

    name: str
    value: object
    explanation: Explanation


class DecodedToken(msgspec.Struct, frozen=True):
    """A JWS taken apart; ``found_in`` is the parameter, member or header field it came in."""

    name: str
    found_in: str
    jwt: str
    header: tuple[Member, ...]
    claims: tuple[Member, ...]
    signature: Signature
    signed_by: str


class Keys(msgspec.Struct, frozen=True):
    """By what signatures can be verified: the client's own key, and the provider's as fetched."""

    own: AsymmetricKey
    provider: tuple[AsymmetricKey, ...]


def provider_keys(bodies: Iterable[bytes]) -> tuple[AsymmetricKey, ...]:
    """Every usable key of the key sets among some bodies; what is none is passed over."""
    found: list[AsymmetricKey] = []
    for body in bodies:
        with contextlib.suppress(InvalidProviderResponse):
            found.extend(parse_key_set(body).keys)
    return tuple(found)


def decode_tokens(
    fields: Sequence[tuple[str, str]], keys: Keys, *, nested: bool = True
) -> tuple[DecodedToken, ...]:
    """The tokens among named values, such as a form's, in their order, and those inside them."""
    found: list[DecodedToken] = []
    for name, value in fields:
        decoded = _decode(name.lower(), value.rpartition(" ")[2], keys)
        if decoded is None or len(found) >= _MOST_TOKENS:
            continue
        found.append(decoded)
        if nested:
            inside = tuple(_texts(decoded.claims))
            found.extend(decode_tokens(inside, keys, nested=False))
    return tuple(found[:_MOST_TOKENS])


def _texts(claims: Iterable[Member]) -> Iterator[tuple[str, str]]:
    for claim in claims:
        if isinstance(claim.value, str):
            yield claim.name, claim.value


def _decode(name: str, text: str, keys: Keys) -> DecodedToken | None:
    if name not in _NAMES or len(text) > _LONGEST:
        return None
    segments = text.split(".")
    header = _json(segments[0])
    if header is None or len(segments) != 3:  # noqa: PLR2004 - header, payload, signature
        return None
    claims = _json(segments[1])
    if claims is None:
        return None
    signature, signer = _signature(name, text, header, keys)
    return DecodedToken(
        name=_NAMES[name],
        found_in=name,
        jwt=text,
        header=tuple(Member(key, value, explain_header(key)) for key, value in header.items()),
        claims=tuple(Member(key, value, explain_claim(key)) for key, value in claims.items()),
        signature=signature,
        signed_by=signer,
    )


def _json(segment: str) -> dict[str, object] | None:
    try:
        content = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        return msgspec.json.decode(content, type=dict[str, object])
    except (binascii.Error, ValueError, RecursionError):
        return None


def _signature(
    name: str, text: str, header: Mapping[str, object], keys: Keys
) -> tuple[Signature, str]:
    if name in _OWN:
        return _verified(text, keys.own), "this client's key"
    if name == "dpop":
        key = _embedded(header.get("jwk"))
        proven = Signature.UNKNOWN_KEY if key is None else _verified(text, key)
        own_word = Signature.OWN_WORD if proven is Signature.VERIFIED else proven
        return own_word, "the key in its own header"
    fitting = _provider_key(header, keys.provider)
    if fitting is None:
        return Signature.UNKNOWN_KEY, "a key that this flow has not fetched"
    return _verified(text, fitting), "the provider's published key"


def _provider_key(
    header: Mapping[str, object], keys: tuple[AsymmetricKey, ...]
) -> AsymmetricKey | None:
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in tuple(SignatureAlgorithm):
        return None
    return next((key for key in keys if kid is None or key.kid == kid), None)


def _embedded(jwk: object) -> AsymmetricKey | None:
    if not isinstance(jwk, dict):
        return None
    try:
        return import_jwk({str(key): value for key, value in jwk.items() if isinstance(value, str)})
    except (JoseError, ValueError, TypeError, LookupError):
        return None


def _verified(text: str, key: AsymmetricKey) -> Signature:
    try:
        jws.deserialize_compact(text, key, registry=REGISTRY)
    except (JoseError, ValueError, TypeError):
        return Signature.WRONG
    return Signature.VERIFIED
