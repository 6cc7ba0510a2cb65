"""Mint and sign the tokens of a grant; nothing is stored and nothing is sent here."""

import hashlib
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.ports import KeyRing, Randomness, TokenRecord
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.names import ACCESS_TOKEN_TYP, ID_TOKEN_TYP
from ciba_service.protocol.tokens.claims import (
    TokenResponse,
    access_token_claims,
    access_token_lifetime,
    id_token_claims,
)
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant

__all__ = ["Issuance", "MintedTokens", "TokenPolicy"]

_JTI_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What the operator decides about tokens; lifetimes are in seconds."""

    issuer: str
    audience: str
    access_token_lifetime: int
    id_token_lifetime: int
    access_token_alg: SignatureAlgorithm


@dataclass(frozen=True, slots=True)
class MintedTokens:
    """Tokens that count only once their record is stored."""

    response: TokenResponse
    record: TokenRecord


class Issuance:
    """Makes tokens for a grant."""

    def __init__(self, *, policy: TokenPolicy, keys: KeyRing, random: Randomness) -> None:
        self._policy = policy
        self._keys = keys
        self._random = random

    def mint(self, grant: Grant, client: Client, binding: Binding, *, now: int) -> MintedTokens:
        """Access token, bound as said, and ID token; ``now`` is in milliseconds."""
        policy, seconds = self._policy, now // 1000
        lifetime = access_token_lifetime(grant, policy.access_token_lifetime)
        access_token = self._keys.token_key(policy.access_token_alg).sign(
            typ=ACCESS_TOKEN_TYP,
            claims=access_token_claims(
                grant,
                binding,
                issuer=policy.issuer,
                audience=policy.audience,
                jti=base64url(self._random(_JTI_BYTES)),
                now=seconds,
                lifetime=lifetime,
            ),
        )
        id_token = self._keys.token_key(client.id_token_alg).sign(
            typ=ID_TOKEN_TYP,
            claims=id_token_claims(
                grant,
                issuer=policy.issuer,
                access_token=access_token,
                now=seconds,
                lifetime=policy.id_token_lifetime,
            ),
        )
        return MintedTokens(
            response=TokenResponse(
                access_token=access_token,
                token_type=binding.token_type.value,
                expires_in=lifetime,
                scope=" ".join(grant.scope),
                id_token=id_token,
                authorization_details=grant.payments,
            ),
            record=TokenRecord(
                grant=msgspec.json.encode(grant),
                access_token_hash=base64url(hashlib.sha256(access_token.encode()).digest()),
                expires_at=now + lifetime * 1000,
            ),
        )
