"""The ID token (OpenID Connect Core 2 and 3.1.3.6, CIBA 10.3.1)."""

from collections.abc import Callable
from typing import Final

from ciba_client.conformance.check import (
    Check,
    CheckRun,
    NotApplicable,
    Severity,
    Suspicion,
    Violation,
)
from ciba_client.conformance.expectations import expect, is_number, is_text
from ciba_client.conformance.jwt import Jwt, parse_jwt, verified
from ciba_client.conformance.profile import FAPI
from ciba_client.conformance.stage import Completed, Stage
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS"]

_SKEW: Final = 300
_FIFTY_YEARS: Final = 50 * 31_536_000
_LONGEST_SUB: Final = 255
_PUSH: Final = frozenset({TokenDeliveryMode.PUSH})
_AUTH_REQ_ID: Final = "urn:openid:params:jwt:claim:auth_req_id"
_RT_HASH: Final = "urn:openid:params:jwt:claim:rt_hash"
_FAPI_ALGORITHMS: Final = ("PS256", "ES256", "EdDSA", "Ed25519")

Judge = Callable[[Stage, Completed, Jwt], None]


def _judged(judge: Judge) -> CheckRun:
    async def run(stage: Stage) -> None:
        done = await stage.completed()
        judge(stage, done, parse_jwt("id_token", done.text("id_token")))

    return run


def _signature(stage: Stage, _done: Completed, token: Jwt) -> None:
    verified(token, stage.jwks.body)


def _algorithm(stage: Stage, _done: Completed, token: Jwt) -> None:
    offered = stage.provider.listed("id_token_signing_alg_values_supported")
    expect(token.algorithm != "none", "a signed ID token", "its alg is none")
    expect(token.algorithm in offered, f"alg among {offered}", f"it is {token.algorithm}")
    if stage.plan.profile in FAPI:
        expect(
            token.algorithm in _FAPI_ALGORITHMS, "alg PS256 or ES256", f"it is {token.algorithm}"
        )


def _issuer(stage: Stage, _done: Completed, token: Jwt) -> None:
    said = token.claims.get("iss")
    expect(said == stage.plan.issuer, f"iss {stage.plan.issuer}", f"it is {said!r}")


def _audience(stage: Stage, _done: Completed, token: Jwt) -> None:
    said = token.claims.get("aud")
    among = said if isinstance(said, list) else [said]
    expect(stage.client.client_id in among, f"aud {stage.client.client_id}", f"it is {said!r}")


def _times(stage: Stage, _done: Completed, token: Jwt) -> None:
    now = stage.clock.now()
    issued, ends = token.claims.get("iat"), token.claims.get("exp")
    if not is_number(issued):
        raise Violation("iat, a number", f"it is {issued!r}")
    if not is_number(ends):
        raise Violation("exp, a number", f"it is {ends!r}")
    expect(abs(now - issued) <= _SKEW, "iat within five minutes of now", f"{issued - now:+.0f} s")
    expect(now < ends < now + _FIFTY_YEARS, "exp in the future", f"{ends - now:+.0f} s")


def _subject(_stage: Stage, _done: Completed, token: Jwt) -> None:
    said = token.claims.get("sub")
    expect(is_text(said), "sub, a string that is not empty", f"it is {said!r}")
    expect(
        len(str(said)) <= _LONGEST_SUB and str(said).isascii(),
        "sub of at most 255 ASCII characters",
        f"it has {len(str(said))}",
    )


def _at_hash(_stage: Stage, done: Completed, token: Jwt) -> None:
    said = token.claims.get("at_hash")
    if said is None:
        raise NotApplicable("there is no at_hash, which only push mode needs")
    expect(said == token.half_hash(done.text("access_token")), "the at_hash of the token", said)


def _other_bindings(_stage: Stage, done: Completed, token: Jwt) -> None:
    claims, refresh = token.claims, done.members.get("refresh_token")
    if _AUTH_REQ_ID not in claims and _RT_HASH not in claims:
        raise NotApplicable("there are neither rt_hash nor auth_req_id, which only push mode needs")
    if _AUTH_REQ_ID in claims:
        same = claims[_AUTH_REQ_ID] == done.pending.auth_req_id
        expect(same, "the auth_req_id of the request", "it is another")
    if _RT_HASH in claims:
        expect(is_text(refresh), "no rt_hash without a refresh token", "there is one")
        expect(claims[_RT_HASH] == token.half_hash(str(refresh)), "the rt_hash", "it is another")


def _push_at_hash(_stage: Stage, done: Completed, token: Jwt) -> None:
    expect("at_hash" in token.claims, "at_hash in a pushed ID token", "there is none")
    wanted = token.half_hash(done.text("access_token"))
    expect(token.claims["at_hash"] == wanted, f"at_hash {wanted}", token.claims["at_hash"])


def _push_auth_req_id(_stage: Stage, done: Completed, token: Jwt) -> None:
    expect(_AUTH_REQ_ID in token.claims, f"{_AUTH_REQ_ID} in a pushed ID token", "there is none")
    same = token.claims[_AUTH_REQ_ID] == done.pending.auth_req_id
    expect(same, "the auth_req_id of the request", "it is another")


def _push_rt_hash(_stage: Stage, done: Completed, token: Jwt) -> None:
    if "refresh_token" not in done.members:
        raise NotApplicable("no refresh token was pushed")
    expect(_RT_HASH in token.claims, f"{_RT_HASH} in a pushed ID token", "there is none")
    same = token.claims[_RT_HASH] == token.half_hash(done.text("refresh_token"))
    expect(same, "the rt_hash of the refresh token", "it is another")


def _no_foreign_hashes(_stage: Stage, _done: Completed, token: Jwt) -> None:
    found = sorted({"nonce", "c_hash", "s_hash"} & token.claims.keys())
    expect(not found, "no claims of another flow", f"there is {', '.join(found)}")


def _no_keys_in_header(_stage: Stage, _done: Completed, token: Jwt) -> None:
    found = sorted({"x5u", "x5c", "jku", "jwk"} & token.header.keys())
    expect(not found, "no key in the header", f"there is {', '.join(found)}")


def _auth_time(stage: Stage, _done: Completed, token: Jwt) -> None:
    said = token.claims.get("auth_time")
    if said is None:
        raise NotApplicable("there is no auth_time")
    has_passed = is_number(said) and said <= stage.clock.now() + _SKEW
    expect(has_passed, "auth_time, not in the future", f"it is {said!r}")


async def _acr(stage: Stage) -> None:
    wanted = stage.plan.request.acr_values
    if wanted is None:
        raise NotApplicable("no request.acr_values are configured")
    done = await stage.completed({"acr_values": wanted})
    said = parse_jwt("id_token", done.text("id_token")).claims.get("acr")
    expect(is_text(said), "acr, since it was asked for", f"it is {said!r}")
    if said not in wanted.split():
        raise Suspicion(f"acr among {wanted}", f"it is {said}")


CHECKS: Final = (
    Check(
        id="id-token-signature",
        title="The ID token verifies with a published key, which its kid names",
        run=_judged(_signature),
        requirements=("oidc-2-6", "oidc-10.1-1"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-algorithm",
        title="The ID token is signed with a published algorithm",
        run=_judged(_algorithm),
        requirements=("oidc-2-6", "fapi-ciba-7.10-1", "fapi-ciba-7.10-3"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-issuer",
        title="The ID token names the issuer, to the letter",
        run=_judged(_issuer),
        requirements=("oidc-2-1", "oidd-3-1"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-audience",
        title="The ID token is for the client",
        run=_judged(_audience),
        requirements=("oidc-2-3",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-times",
        title="The ID token was issued now and has not expired",
        run=_judged(_times),
        requirements=("oidc-2-1",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-subject",
        title="The ID token names the user",
        run=_judged(_subject),
        requirements=("oidc-2-2", "fapi1-p1-5.2.2.1-6"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-at-hash",
        title="at_hash, if there is one, is that of the access token",
        run=_judged(_at_hash),
        requirements=("oidc-3.1.3.6-1", "ciba-10.3-7"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-bindings",
        title="rt_hash and auth_req_id, if they are there, are right",
        run=_judged(_other_bindings),
        requirements=("ciba-10.3-7",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-foreign-hashes",
        title="The ID token has no claims of flows with a browser",
        run=_judged(_no_foreign_hashes),
        requirements=("oidc-2-8",),
        modules=("fapi-ciba-id1",),
        severity=Severity.WARNING,
    ),
    Check(
        id="id-token-header-keys",
        title="The ID token brings no key of its own",
        run=_judged(_no_keys_in_header),
        requirements=("oidc-2-7",),
        severity=Severity.WARNING,
    ),
    Check(
        id="id-token-auth-time",
        title="auth_time, if there is one, is a time that has passed",
        run=_judged(_auth_time),
        requirements=("oidc-2-4",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="id-token-acr",
        title="The ID token says how the user was authenticated, when that was asked",
        run=_acr,
        requirements=("ciba-7.1-9", "fapi-ciba-5.2.2-8"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="push-id-token-at-hash",
        title="A pushed ID token has the at_hash of the access token",
        run=_judged(_push_at_hash),
        requirements=("ciba-10.3-2",),
        modes=_PUSH,
    ),
    Check(
        id="push-id-token-auth-req-id",
        title="A pushed ID token names the request",
        run=_judged(_push_auth_req_id),
        requirements=("ciba-10.3-3",),
        modes=_PUSH,
    ),
    Check(
        id="push-id-token-rt-hash",
        title="A pushed ID token has the rt_hash of the refresh token",
        run=_judged(_push_rt_hash),
        requirements=("ciba-10.3-4",),
        modes=_PUSH,
    ),
)
