"""Verification of an SCA receipt: the provider's signed word about what the user approved."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from ciba_client.sdk.errors import InvalidIdToken, InvalidScaReceipt, UnknownReceiptKey
from ciba_client.sdk.jose.algorithms import REGISTRY, SignatureAlgorithm
from ciba_client.sdk.jose.key_set import ProviderKeys

__all__ = ["ReceiptExpectations", "ScaReceipt", "verify_sca_receipt"]

_TYP: Final = "ciba-sca-receipt+jwt"


@dataclass(frozen=True, slots=True)
class ReceiptExpectations:
    """What a receipt must say to be about one authentication request of one client."""

    issuer: str
    client_id: str
    auth_req_id: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScaReceipt:
    """A verified receipt; instants are seconds since the epoch.

    ``txn`` is that of the tokens; ``claims`` has all that was approved, ``jwt`` is what to keep.
    """

    iss: str
    sub: str
    txn: str
    iat: float
    acr: str
    claims: Mapping[str, object] = field(repr=False)
    jwt: str = field(repr=False)


class _Header(msgspec.Struct):
    alg: str
    typ: str
    kid: str
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Claims(msgspec.Struct):
    iss: str
    aud: str
    sub: str
    txn: str
    iat: int | float
    acr: str


def verify_sca_receipt(
    jwt: str, *, keys: ProviderKeys, expected: ReceiptExpectations
) -> ScaReceipt:
    """Verify signature, type, issuer, audience and transaction.

    Raises:
        UnknownReceiptKey: no key of the set fits; verify again with a fresh set.
        InvalidScaReceipt: anything else.
    """
    payload = _verified_payload(jwt, keys)
    try:
        claims = msgspec.json.decode(payload, type=_Claims)
        everything = msgspec.json.decode(payload, type=dict[str, object])
    except (ValueError, RecursionError) as error:
        raise InvalidScaReceipt("the claims of the receipt are malformed") from error
    if claims.iss != expected.issuer:
        raise InvalidScaReceipt("the receipt is from another issuer")
    if claims.aud != expected.client_id:
        raise InvalidScaReceipt("the receipt is for another client")
    if not hmac.compare_digest(claims.txn.encode(), _transaction(expected.auth_req_id)):
        raise InvalidScaReceipt("the receipt is about another authentication request")
    return ScaReceipt(
        iss=claims.iss,
        sub=claims.sub,
        txn=claims.txn,
        iat=claims.iat,
        acr=claims.acr,
        claims=MappingProxyType(everything),
        jwt=jwt,
    )


def _verified_payload(jwt: str, keys: ProviderKeys) -> bytes:
    segments = jwt.encode("utf-8", "replace").split(b".")
    try:
        header = msgspec.json.decode(urlsafe_b64decode(segments[0]), type=_Header)
    except (ValueError, RecursionError) as error:
        raise InvalidScaReceipt("the header of the receipt is malformed") from error
    # RFC 8725 3.1, 3.11: the one algorithm and the one type that receipts have.
    if header.crit is not msgspec.UNSET or (header.alg, header.typ) != ("ES256", _TYP):
        raise InvalidScaReceipt("the receipt has the header of another kind of token")
    if not any(key.kid == header.kid for key in keys.keys):
        raise UnknownReceiptKey("no published key fits the receipt")
    try:
        key = keys.choose(algorithm=SignatureAlgorithm.ES256, kid=header.kid)
        return jws.deserialize_compact(jwt, key, registry=REGISTRY).payload
    except (InvalidIdToken, JoseError, ValueError) as error:
        raise InvalidScaReceipt("the signature of the receipt is not valid") from error


def _transaction(auth_req_id: str) -> bytes:
    """How the provider names the transaction: half of a SHA-256 hash, in base64url."""
    digest = hashlib.sha256(auth_req_id.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=")
