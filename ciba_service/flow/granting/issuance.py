"""Mint the tokens of a grant; nothing is stored and nothing is sent here."""

from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.ports import (
    AccessTokenRecord,
    Randomness,
    RefreshTokenRecord,
    TokenIssuer,
    TokenRecord,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.names import (
    OPENID_SCOPE,
    AccessTokenFormat,
)
from ciba_service.protocol.request.authorization_details import AuthorizationDetail
from ciba_service.protocol.tokens.access_token import AccessToken
from ciba_service.protocol.tokens.claims import (
    PushCompanions,
    TokenResponse,
    access_token_lifetime,
    id_token_claims,
)
from ciba_service.protocol.tokens.dpop.binding import Binding
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.protocol.tokens.refresh_token import RefreshLifetime
from ciba_service.protocol.tokens.token_text import new_token, token_hash
from ciba_service.protocol.tokens.userinfo import UserClaims, chosen_claims

__all__ = ["Issuance", "MintedTokens", "Reach", "RefreshedTokens", "TokenPolicy"]

_JTI_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What the operator decides about tokens; lifetimes are in seconds."""

    issuer: str
    audience: str
    access_token_lifetime: int
    id_token_lifetime: int
    access_token_alg: SignatureAlgorithm
    access_token_format: AccessTokenFormat
    refresh_lifetime: RefreshLifetime
    demands_dpop_nonces: bool

    def is_constrained(self, binding: Binding) -> bool:
        """Whether a token so bound may live longer than others.

        RFC 9449 11.2: proofs for a key may have been made in advance where no nonce is demanded.
        """
        by_key = binding.jkt is not None and self.demands_dpop_nonces
        return by_key or binding.certificate_thumbprint is not None


class MintedTokens(msgspec.Struct, frozen=True):
    """The first tokens of a grant; they count only once their record is stored.

    ``good_until`` is when the first of access token and ID token expires, in seconds.
    """

    response: TokenResponse
    record: TokenRecord
    good_until: int


@dataclass(frozen=True, slots=True)
class RefreshedTokens:
    """A further access token of a grant; it counts only once its record is stored."""

    response: TokenResponse
    record: AccessTokenRecord


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What one access token is good for: part of the grant, or all of it."""

    scope: tuple[str, ...]
    resources: tuple[str, ...]
    details: tuple[AuthorizationDetail, ...]


class Issuance:
    """Makes tokens for a grant; every ``now`` is in milliseconds.

    Both ways raise ``SignerUnavailable``; nothing was stored then, and all can be done again.
    """

    def __init__(
        self,
        *,
        policy: TokenPolicy,
        users: UserDirectory,
        tokens: TokenIssuer,
        random: Randomness,
    ) -> None:
        self._policy = policy
        self._users = users
        self._tokens = tokens
        self._random = random

    async def mint(
        self,
        grant: Grant,
        client: Client,
        binding: Binding,
        reach: Reach,
        *,
        lasts: bool,
        now: int,
        pushed_as: str | None = None,
    ) -> MintedTokens:
        """Access token, bound as said, ID token and, where access ``lasts``, refresh token.

        ``pushed_as`` is the ``auth_req_id`` under which they are pushed, if they are.
        """
        refresh_token, kept = None, None
        if lasts:
            refresh_token = new_token(grant.txn, self._random)
            good_until = self._policy.refresh_lifetime.good_until(grant, now)
            kept = RefreshTokenRecord(token_hash(refresh_token), good_until)
        pushed = None if pushed_as is None else PushCompanions(pushed_as, refresh_token)
        minted = await self._mint(
            grant, client, binding, reach, refresh_token=refresh_token, pushed=pushed, now=now
        )
        good_until = min(minted.record.token.exp, now // 1000 + self._policy.id_token_lifetime)
        return MintedTokens(minted.response, TokenRecord(grant, minted.record, kept), good_until)

    async def refresh(
        self, grant: Grant, client: Client, binding: Binding, reach: Reach, *, now: int
    ) -> RefreshedTokens:
        """Access token, bound anew, and ID token; the refresh token stays the same one."""
        return await self._mint(
            grant, client, binding, reach, refresh_token=None, pushed=None, now=now
        )

    async def _mint(
        self,
        grant: Grant,
        client: Client,
        binding: Binding,
        reach: Reach,
        *,
        refresh_token: str | None,
        pushed: PushCompanions | None,
        now: int,
    ) -> RefreshedTokens:
        token = self._access_token(grant, binding, reach, now // 1000)
        text = await self._tokens.access_token(grant, token, client)
        id_token = None
        if OPENID_SCOPE in reach.scope:
            id_token = await self._id_token(
                grant, client, text, reach.scope, pushed=pushed, now=now // 1000
            )
        return RefreshedTokens(
            response=TokenResponse(
                access_token=text,
                token_type=token.token_type,
                expires_in=token.exp - token.iat,
                scope=" ".join(reach.scope),
                id_token=id_token,
                refresh_token=refresh_token,
                authorization_details=token.stated_details(grant),
            ),
            record=AccessTokenRecord(token_hash(text), token),
        )

    def _access_token(self, grant: Grant, binding: Binding, reach: Reach, now: int) -> AccessToken:
        lifetime = access_token_lifetime(
            grant,
            self._policy.access_token_lifetime,
            is_constrained=self._policy.is_constrained(binding),
        )
        return AccessToken(
            jti=base64url(self._random(_JTI_BYTES)),
            aud=self._audience(reach.resources),
            iat=now,
            exp=now + lifetime,
            scope=reach.scope,
            cnf=binding if binding.is_bound else None,
            narrowed_details=None if reach.details == grant.details else reach.details,
        )

    def _audience(self, resources: tuple[str, ...]) -> str | tuple[str, ...]:
        # RFC 9068 3: what the client named, or else the default resource.
        match resources:
            case ():
                return self._policy.audience
            case (resource,):
                return resource
            case _:
                return resources

    async def _id_token(
        self,
        grant: Grant,
        client: Client,
        access_token: str,
        scope: tuple[str, ...],
        *,
        pushed: PushCompanions | None,
        now: int,
    ) -> str:
        user = await self._users.find_subject(grant.subject)
        known = UserClaims() if user is None else user.claims
        claims = id_token_claims(
            grant,
            user=chosen_claims(grant.id_token_claims, scope, known),
            issuer=self._policy.issuer,
            access_token=access_token,
            alg=client.id_token_alg,
            now=now,
            lifetime=self._policy.id_token_lifetime,
            pushed=pushed,
        )
        return await self._tokens.id_token(claims, client)
