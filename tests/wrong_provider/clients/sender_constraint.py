"""What tokens are bound to: a DPoP key (RFC 9449) or a certificate (RFC 8705)."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator

from joserfc.jwk import import_key
from starlette.requests import Request

from tests.wrong_provider.clients.certificates import certificate_of, thumbprint
from tests.wrong_provider.errors import NONCE, Refusal, invalid_request
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.jose import Signed, verified
from tests.wrong_provider.provider import Client, Provider

__all__ = ["binding_of", "proven_key"]

ALGORITHMS = ["ES256", "PS256"]
YOUNG_ENOUGH = 60
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


def binding_of(provider: Provider, client: Client, request: Request) -> str | None:
    """What the client's tokens are to be bound to; None for a client whose tokens are bearer's."""
    if client.dpop_bound:
        if "dpop" not in request.headers and provider.has(Fault.ACCEPTS_NO_DPOP_PROOF):
            return None
        return proven_key(provider, request)
    if client.certificate is not None:
        return _certified(provider, client, request)
    return proven_key(provider, request) if "dpop" in request.headers else None


def proven_key(provider: Provider, request: Request, access_token: str | None = None) -> str:
    """The thumbprint of the key that made the proof of this request."""
    proofs = request.headers.getlist("dpop")
    try:
        (proof,) = proofs
        signed = Signed.parse(proof)
        key = import_key(signed.header["jwk"])
    except (ValueError, KeyError):
        raise _invalid_proof() from None
    if not all(_is_right(provider, request, signed, access_token)):
        raise _invalid_proof()
    if request.url.path in provider.nonces_at and signed.claims.get("nonce") != NONCE:
        raise Refusal(400, "use_dpop_nonce", "The proof must have a nonce.")
    return key.thumbprint()


def _certified(provider: Provider, client: Client, request: Request) -> str | None:
    presented = certificate_of(request)
    if presented is None:
        if provider.has(Fault.ACCEPTS_NO_CERTIFICATE):
            return None
        raise invalid_request("A client certificate is required.")
    if presented != client.certificate and not provider.has(
        Fault.ACCEPTS_ANOTHER_CLIENTS_CERTIFICATE
    ):
        raise Refusal(400, "invalid_grant", "The certificate is not this client's.")
    return thumbprint(presented)


def _is_right(
    provider: Provider, request: Request, signed: Signed, access_token: str | None
) -> Iterator[bool]:
    header, claims, jwk = signed.header, signed.claims, signed.header["jwk"]
    typed = header.get("typ") == "dpop+jwt"
    yield typed or provider.has(Fault.ACCEPTS_DPOP_PROOF_WITH_WRONG_TYP)
    private = PRIVATE.intersection(jwk)
    yield not private or provider.has(Fault.ACCEPTS_DPOP_PROOF_WITH_PRIVATE_KEY)
    if header.get("alg") == "none":
        yield provider.has(Fault.ACCEPTS_DPOP_PROOF_WITH_ALG_NONE)
    else:
        genuine = verified(signed, [jwk], ALGORITHMS)
        yield genuine or provider.has(Fault.ACCEPTS_DPOP_PROOF_WITH_BAD_SIGNATURE)
    here = claims.get("htu") == provider.url(request.url.path)
    yield here or provider.has(Fault.ACCEPTS_DPOP_PROOF_FOR_OTHER_URL)
    this_way = claims.get("htm") == request.method
    yield this_way or provider.has(Fault.ACCEPTS_DPOP_PROOF_FOR_OTHER_METHOD)
    yield _is_young(provider, claims.get("iat"))
    yield _is_first(provider, claims.get("jti"))
    if access_token is not None:
        digest = hashlib.sha256(access_token.encode()).digest()
        fits = claims.get("ath") == urlsafe_b64encode(digest).rstrip(b"=").decode()
        yield fits or provider.has(Fault.RESOURCE_ACCEPTS_PROOF_WITHOUT_ATH)


def _is_young(provider: Provider, iat: object) -> bool:
    if not isinstance(iat, int | float):
        return provider.has(Fault.ACCEPTS_DPOP_PROOF_WITHOUT_IAT)
    young = abs(iat - provider.time.now()) <= YOUNG_ENOUGH
    return young or provider.has(Fault.ACCEPTS_OLD_DPOP_PROOF)


def _is_first(provider: Provider, jti: object) -> bool:
    if not isinstance(jti, str):
        return provider.has(Fault.ACCEPTS_DPOP_PROOF_WITHOUT_JTI)
    first = provider.spend("proof", "", jti)
    return first or provider.has(Fault.ACCEPTS_REPLAYED_DPOP_PROOF)


def _invalid_proof() -> Refusal:
    return Refusal(400, "invalid_dpop_proof", "The DPoP proof is not right.")
