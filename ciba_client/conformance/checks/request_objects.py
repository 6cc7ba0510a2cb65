"""Signed authentication requests with one defect each (CIBA 7.1.1, FAPI-CIBA 5.2.2)."""

from collections.abc import Callable
from typing import Final

from joserfc.jwk import RSAKey

from ciba_client.conformance.check import Check, CheckRun, NotApplicable, Severity
from ciba_client.conformance.expectations import expect_backchannel_error
from ciba_client.conformance.parties.signer import (
    Bent,
    Claims,
    Signer,
    new_stranger,
    truthful,
)
from ciba_client.conformance.profile import FAPI, FAPI1
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.jose.signing_key import SigningKey

__all__ = ["CHECKS"]

_MINUTE: Final = 60
_HOUR: Final = 3600

Defect = Callable[[Stage], Claims]


def _signs(stage: Stage) -> None:
    if not stage.client.planned.sign_requests:
        raise NotApplicable("the client is registered with unsigned requests")


def _with(defect: Defect) -> CheckRun:
    async def run(stage: Stage) -> None:
        _signs(stage)
        expect_backchannel_error(await stage.ask(defect(stage)), "invalid_request")

    return run


def _signed(sign: Callable[[Stage], Bent]) -> CheckRun:
    async def run(stage: Stage) -> None:
        _signs(stage)
        expect_backchannel_error(await stage.ask(sign=sign(stage)), "invalid_request")

    return run


def _unsecured(_stage: Stage) -> Bent:
    return lambda key, claims: Signer(key).unsecured(claims)


def _broken(_stage: Stage) -> Bent:
    return lambda key, claims: Signer(key).with_broken_signature(claims)


def _mac(_stage: Stage) -> Bent:
    return lambda key, claims: Signer(key).with_public_key_as_secret(claims)


def _stranger(stage: Stage) -> Bent:
    unregistered = new_stranger(stage.client.planned.key)
    return lambda _key, claims: truthful(unregistered, claims)


def _other_client(stage: Stage) -> Bent:
    theirs = stage.other.planned.key
    return lambda _key, claims: truthful(theirs, claims)


def _rs256(stage: Stage) -> Bent:
    if not isinstance(stage.client.planned.key.key, RSAKey):
        raise NotApplicable("the client has no RSA key")
    return lambda key, claims: Signer(key).sign(claims, alg="RS256")


def _unknown_critical(_stage: Stage) -> Bent:
    def sign(key: SigningKey, claims: Claims) -> str:
        name = "urn:example:unknown"
        return Signer(key).sign(claims, crit=[name], **{name: True})

    return sign


async def _replayed(stage: Stage) -> None:
    _signs(stage)
    request = stage.client.request_object()
    first = await stage.client.send_request({**stage.client.credentials(), "request": request})
    stage.noted(stage.client, first)
    again = await stage.client.send_request({**stage.client.credentials(), "request": request})
    expect_backchannel_error(stage.noted(stage.client, again), "invalid_request")


async def _outside(stage: Stage) -> None:
    _signs(stage)
    form = {
        **stage.client.credentials(),
        **stage.client.request_form(),
        "binding_message": "5678",
    }
    answer = await stage.client.send_request(form)
    expect_backchannel_error(stage.noted(stage.client, answer), "invalid_request")


async def _unsigned(stage: Stage) -> None:
    members = {name: str(each) for name, each in stage.client.parameters().items()}
    answer = await stage.client.send_request({**stage.client.credentials(), **members})
    expect_backchannel_error(stage.noted(stage.client, answer), "invalid_request")


async def _not_a_jwt(stage: Stage) -> None:
    _signs(stage)
    answer = await stage.client.send_request({**stage.client.credentials(), "request": "no.jwt"})
    expect_backchannel_error(stage.noted(stage.client, answer), "invalid_request")


async def _typed(stage: Stage) -> None:
    _signs(stage)

    def sign(key: SigningKey, claims: Claims) -> str:
        return Signer(key).sign(claims, typ="oAuTh-aUtHz-ReQ+jWt")

    await stage.begin(sign=sign)


async def _audience_list(stage: Stage) -> None:
    _signs(stage)
    await stage.begin({"aud": [stage.provider.issuer]})


def _now(stage: Stage) -> int:
    return stage.client.now()


CHECKS: Final = (
    Check(
        id="request-missing-aud",
        title="A signed request without an audience is refused",
        run=_with(lambda _stage: {"aud": None}),
        requirements=("ciba-7.1.1-5",),
        modules=("ensure-request-object-missing-aud-fails",),
    ),
    Check(
        id="request-bad-aud",
        title="A signed request for another server is refused",
        run=_with(lambda _stage: {"aud": "https://other.example/"}),
        requirements=("ciba-7.1.1-5",),
        modules=("ensure-request-object-bad-aud-fails",),
    ),
    Check(
        id="request-aud-list",
        title="A signed request whose audience is a list with the issuer is accepted",
        run=_audience_list,
        requirements=("ciba-7.1.1-5", "fapi1-p2-5.2.2-15"),
    ),
    Check(
        id="request-missing-iss",
        title="A signed request without an issuer is refused",
        run=_with(lambda _stage: {"iss": None}),
        requirements=("ciba-7.1.1-6",),
        modules=("ensure-request-object-missing-iss-fails",),
    ),
    Check(
        id="request-bad-iss",
        title="A signed request issued in another client's name is refused",
        run=_with(lambda stage: {"iss": stage.other.client_id}),
        requirements=("ciba-7.1.1-6",),
        modules=("ensure-request-object-bad-iss-fails",),
    ),
    Check(
        id="request-missing-exp",
        title="A signed request that never expires is refused",
        run=_with(lambda _stage: {"exp": None}),
        requirements=("ciba-7.1.1-7",),
        modules=("ensure-request-object-missing-exp-fails",),
    ),
    Check(
        id="request-expired",
        title="A signed request that expired an hour ago is refused",
        run=_with(lambda stage: {"exp": _now(stage) - _HOUR}),
        requirements=("ciba-7.1.1-7",),
        modules=("ensure-request-object-expired-exp-fails",),
    ),
    Check(
        id="request-exp-70-minutes",
        title="A signed request that lives for 70 minutes is refused",
        run=_with(lambda stage: {"exp": _now(stage) + 70 * _MINUTE}),
        requirements=("fapi-ciba-5.2.2-9", "fapi1-p2-5.2.2-13"),
        modules=("ensure-request-object-exp-is-70-minutes-in-future-fails",),
        profiles=FAPI,
    ),
    Check(
        id="request-missing-iat",
        title="A signed request without the time of issue is refused",
        run=_with(lambda _stage: {"iat": None}),
        requirements=("ciba-7.1.1-8",),
        modules=("ensure-request-object-missing-iat-fails",),
    ),
    Check(
        id="request-missing-nbf",
        title="A signed request without a beginning is refused",
        run=_with(lambda _stage: {"nbf": None}),
        requirements=("ciba-7.1.1-9",),
        modules=("ensure-request-object-missing-nbf-fails",),
    ),
    Check(
        id="request-nbf-future",
        title="A signed request that is not valid for ten minutes yet is refused",
        run=_with(lambda stage: {"nbf": _now(stage) + 10 * _MINUTE}),
        requirements=("ciba-7.1.1-9",),
        modules=("ensure-request-object-nbf-is-10-minutes-in-future-fails",),
    ),
    Check(
        id="request-nbf-70-minutes-past",
        title="A signed request that has been valid for 70 minutes is refused",
        run=_with(lambda stage: {"nbf": _now(stage) - 70 * _MINUTE}),
        requirements=("fapi1-p2-5.2.2-17",),
        modules=("ensure-request-object-nbf-is-70-minutes-in-past-fails",),
        profiles=FAPI,
    ),
    Check(
        id="request-missing-jti",
        title="A signed request without an identifier is refused",
        run=_with(lambda _stage: {"jti": None}),
        requirements=("ciba-7.1.1-10",),
        modules=("ensure-request-object-missing-jti-fails",),
    ),
    Check(
        id="request-replayed",
        title="A signed request is not accepted twice",
        run=_replayed,
        requirements=("ciba-7.1.1-10",),
        severity=Severity.WARNING,  # the claim may be used for that; nobody must
    ),
    Check(
        id="request-alg-none",
        title="A request that says it needs no signature is refused",
        run=_signed(_unsecured),
        requirements=("ciba-7.1.1-4", "fapi-ciba-7.10-3"),
        modules=("ensure-request-object-signature-algorithm-is-none-fails",),
    ),
    Check(
        id="request-bad-signature",
        title="A request with a broken signature is refused",
        run=_signed(_broken),
        requirements=("ciba-7.2-2",),
        modules=("ensure-request-object-signature-algorithm-is-bad-fails",),
    ),
    Check(
        id="request-mac",
        title="A request signed with HS256 and the public key as secret is refused",
        run=_signed(_mac),
        requirements=("ciba-7.1.1-4",),
    ),
    Check(
        id="request-rs256",
        title="A request signed with RS256 is refused",
        run=_signed(_rs256),
        requirements=("fapi-ciba-7.10-1", "fapi-ciba-7.10-2"),
        modules=("ensure-request-object-signature-algorithm-is-RS256-fails",),
        profiles=FAPI,
    ),
    Check(
        id="request-unregistered-key",
        title="A request signed with an unregistered key is refused, whatever its kid says",
        run=_signed(_stranger),
        requirements=("ciba-7.1.1-14",),
    ),
    Check(
        id="request-other-client-key",
        title="A request signed with another client's key is refused",
        run=_signed(_other_client),
        requirements=("ciba-7.1.1-14",),
        modules=("ensure-request-object-signed-by-other-client-fails",),
    ),
    Check(
        id="request-unknown-critical-header",
        title="A request with a critical header member that nobody knows is refused",
        run=_signed(_unknown_critical),
        requirements=("ciba-7.2-2",),
    ),
    Check(
        id="request-not-a-jwt",
        title="A request that is no JWT is refused",
        run=_not_a_jwt,
        requirements=("ciba-7.2-2", "ciba-13-3"),
    ),
    Check(
        id="request-parameters-outside",
        title="A signed request with parameters beside it is refused",
        run=_outside,
        requirements=("ciba-7.1.1-2",),
    ),
    Check(
        id="request-parameter-not-a-string",
        title="A signed request whose binding_message is a number is refused",
        run=_with(lambda _stage: {"binding_message": 1234}),
        requirements=("ciba-7.1.1-12",),
    ),
    Check(
        id="request-unsigned",
        title="An unsigned request is refused",
        run=_unsigned,
        requirements=("fapi-ciba-5.2.2-6",),
        modules=("ensure-unsigned-backchannel-authorization-request-fails",),
        profiles=FAPI,
    ),
    Check(
        id="request-typ-any-case",
        title="The typ of a signed request is compared without regard to case",
        run=_typed,
        requirements=("ciba-7.2-2",),
        profiles=FAPI1,
    ),
)
