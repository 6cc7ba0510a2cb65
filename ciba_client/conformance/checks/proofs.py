"""DPoP: every poll must come with a fresh proof of possession (RFC 9449)."""

import secrets
from collections.abc import Callable
from typing import Final

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import FETCHED, Check, CheckRun, NotApplicable, Severity
from ciba_client.conformance.expectations import expect, expect_refused, expect_token_error
from ciba_client.conformance.jwt import parse_jwt
from ciba_client.conformance.parties.client import CIBA_GRANT, present
from ciba_client.conformance.parties.signer import Claims, Signer, new_stranger
from ciba_client.conformance.provider import TOKEN
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.dpop.key import DpopKey, new_dpop_key
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey

__all__ = ["CHECKS"]

_HOUR: Final = 3600
_SEGMENTS: Final = 3
_HEADER: Final = "DPoP"

MadeProof = Callable[[Stage, str], str]
"""A proof for a POST to this URL, with a defect."""


def _key(stage: Stage) -> DpopKey:
    if stage.client.planned.dpop_key is None:
        raise NotApplicable("the client does not use DPoP")
    return stage.client.planned.dpop_key


def _claims(stage: Stage, url: str, **changed: object) -> Claims:
    nonce = stage.client.nonces.find(url)
    claims = {
        "jti": secrets.token_urlsafe(16),
        "htm": "POST",
        "htu": url,
        "iat": stage.client.now(),
        "nonce": nonce,
    }
    return present({**claims, **changed})


def _jwk(key: DpopKey, *, private: bool = False) -> dict[str, object]:
    members = key.key.as_dict(private=private)
    return {name: members[name] for name in ("crv", "kty", "x", "y", "d") if name in members}


def _proof(stage: Stage, claims: Claims, *, header: dict[str, object] | None = None) -> str:
    key = _key(stage)
    signer = Signer(SigningKey(key=key.key, algorithm=SignatureAlgorithm.ES256))
    return signer.sign(claims, **{"typ": "dpop+jwt", "jwk": _jwk(key), **(header or {})})


async def _polled(stage: Stage, make: MadeProof) -> Answer:
    """Poll with such a proof; again with the provider's nonce, if that is what it wants."""
    _key(stage)
    pending, client = await stage.begin(), stage.client
    url = client.endpoint(TOKEN)
    form = {"grant_type": CIBA_GRANT, "auth_req_id": pending.auth_req_id}
    await _introduced(stage, pending.auth_req_id)
    await stage.paced(pending)
    return await client.post(url, {**form, **client.credentials()}, {_HEADER: make(stage, url)})


async def _introduced(stage: Stage, auth_req_id: str) -> None:
    """A poll as it ought to be, by which the provider's nonce is learnt."""
    await stage.client.poll(auth_req_id)


def _refused(make: MadeProof) -> CheckRun:
    async def run(stage: Stage) -> None:
        answer = await _polled(stage, make)
        expect_token_error(answer, "invalid_dpop_proof", "invalid_request", "use_dpop_nonce")

    return run


def _with(**changed: object) -> MadeProof:
    return lambda stage, url: _proof(stage, _claims(stage, url, **changed))


def _old(stage: Stage, url: str) -> str:
    return _proof(stage, _claims(stage, url, iat=stage.client.now() - _HOUR))


def _unsecured(stage: Stage, url: str) -> str:
    key = _key(stage)
    signer = Signer(SigningKey(key=key.key, algorithm=SignatureAlgorithm.ES256))
    return signer.unsecured(_claims(stage, url), typ="dpop+jwt", jwk=_jwk(key))


def _broken(stage: Stage, url: str) -> str:
    key = _key(stage)
    signing = SigningKey(key=key.key, algorithm=SignatureAlgorithm.ES256)
    other = new_stranger(signing)
    return Signer(other).sign(_claims(stage, url), typ="dpop+jwt", jwk=_jwk(key))


def _private(stage: Stage, url: str) -> str:
    _key(stage)
    # A key made for this alone, and the one that signs: all else about the proof is right.
    given_away = new_dpop_key()
    signer = Signer(SigningKey(key=given_away.key, algorithm=SignatureAlgorithm.ES256))
    shown = _jwk(given_away, private=True)
    return signer.sign(_claims(stage, url), typ="dpop+jwt", jwk=shown)


def _untyped(stage: Stage, url: str) -> str:
    return _proof(stage, _claims(stage, url), header={"typ": "JWT"})


async def _missing(stage: Stage) -> None:
    _key(stage)
    pending, client = await stage.begin(), stage.client
    form = {"grant_type": CIBA_GRANT, "auth_req_id": pending.auth_req_id}
    answer = await client.post(client.endpoint(TOKEN), {**form, **client.credentials()})
    # RFC 9449 5.2 demands a refusal, and names no code for it.
    codes = ("invalid_dpop_proof", "invalid_request", "use_dpop_nonce", "invalid_grant")
    expect_token_error(answer, *codes)


async def _replayed(stage: Stage) -> None:
    _key(stage)
    pending, client = await stage.begin(), stage.client
    url = client.endpoint(TOKEN)
    form = {"grant_type": CIBA_GRANT, "auth_req_id": pending.auth_req_id}
    await _introduced(stage, pending.auth_req_id)
    await stage.paced(pending)
    proof = client.proof(url)
    await client.post(url, {**form, **client.credentials()}, proof)
    await stage.paced(pending)
    answer = await client.post(url, {**form, **client.credentials()}, proof)
    expect_token_error(answer, "invalid_dpop_proof", "use_dpop_nonce")


async def _confirmed(stage: Stage) -> None:
    key = _key(stage)
    token = (await stage.completed()).text("access_token")
    if token.count(".") != _SEGMENTS - 1:
        raise NotApplicable("the access token is opaque")
    confirmation = parse_jwt("access_token", token).claims.get("cnf")
    found = isinstance(confirmation, dict) and confirmation.get("jkt") == key.jkt
    expect(found, "cnf with the jkt of the key in the access token", f"it is {confirmation!r}")


async def _stolen(stage: Stage) -> None:
    _key(stage)
    done = await stage.completed()
    token, kind = done.text("access_token"), done.text("token_type")
    answer = await stage.call_resource(token, kind, key=new_dpop_key())
    expect_refused(answer)


async def _as_bearer(stage: Stage) -> None:
    _key(stage)
    token = (await stage.completed()).text("access_token")
    expect_refused(await stage.call_resource(token, "Bearer", proven=False))


def _at(id_: str, title: str, make: MadeProof, *requirements: str) -> Check:
    return Check(id=id_, title=title, run=_refused(make), requirements=requirements, modes=FETCHED)


CHECKS: Final = (
    Check(
        id="proof-missing",
        title="A poll without a proof is refused",
        run=_missing,
        requirements=("rfc9449-5.2-1",),
        modes=FETCHED,
    ),
    _at(
        "proof-wrong-method",
        "A proof for another method is refused",
        _with(htm="GET"),
        "rfc9449-4.3-8",
    ),
    _at(
        "proof-wrong-url",
        "A proof for another address is refused",
        _with(htu="https://other.example/token"),
        "rfc9449-4.3-9",
    ),
    _at(
        "proof-without-jti",
        "A proof without an identifier is refused",
        _with(jti=None),
        "rfc9449-4.3-3",
    ),
    _at(
        "proof-without-iat",
        "A proof without the time of issue is refused",
        _with(iat=None),
        "rfc9449-4.3-3",
    ),
    _at("proof-old", "A proof of an hour ago is refused", _old, "rfc9449-4.3-11"),
    _at(
        "proof-wrong-typ",
        "A proof that is typed as another JWT is refused",
        _untyped,
        "rfc9449-4.3-4",
    ),
    _at(
        "proof-alg-none",
        "A proof that says it needs no signature is refused",
        _unsecured,
        "rfc9449-4.3-5",
    ),
    _at(
        "proof-bad-signature",
        "A proof signed with another key than it shows is refused",
        _broken,
        "rfc9449-4.3-6",
    ),
    _at(
        "proof-private-key",
        "A proof that gives a private key away is refused",
        _private,
        "rfc9449-4.3-7",
    ),
    Check(
        id="proof-replayed",
        title="A proof is not accepted twice",
        run=_replayed,
        requirements=("rfc9449-11.1-2",),
        modes=FETCHED,
        severity=Severity.WARNING,
    ),
    Check(
        id="access-token-proof-confirmation",
        title="A JWT access token names the key that it is bound to",
        run=_confirmed,
        requirements=("rfc9449-6.1-1",),
        modes=FETCHED,
    ),
    Check(
        id="resource-proof-of-another-key",
        title="A token is of no use with another key",
        run=_stolen,
        requirements=("fapi2-sp-5.3.4-5",),
        modes=FETCHED,
    ),
    Check(
        id="resource-bound-token-as-bearer",
        title="A token that is bound to a key is of no use without a proof",
        run=_as_bearer,
        requirements=("fapi2-sp-5.3.4-5",),
        modes=FETCHED,
    ),
)
