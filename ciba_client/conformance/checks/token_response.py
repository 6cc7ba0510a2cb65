"""The token response of a request that was approved (CIBA 10.1.1, 10.3.1, RFC 6749 5.1)."""

from typing import Final

from ciba_client.conformance.check import FETCHED, Check, Severity, Suspicion
from ciba_client.conformance.expectations import expect, expect_no_store, is_integer
from ciba_client.conformance.secrets_strength import expect_hard_to_guess
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_MUST_BITS: Final = 96
_YEAR: Final = 31_536_000
_TEN_MINUTES: Final = 600


async def _shape(stage: Stage) -> None:
    done = await stage.completed()
    for name in ("access_token", "token_type", "id_token"):
        done.text(name)
    expect("error" not in done.members, "no error beside the tokens", "there is one")


async def _no_store(stage: Stage) -> None:
    expect_no_store((await stage.completed()).answer)


async def _token_type(stage: Stage) -> None:
    wanted = "bearer" if stage.client.planned.dpop_key is None else "dpop"
    said = (await stage.completed()).text("token_type")
    expect(said.lower() == wanted, f"token_type {wanted}", f"it is {said}")


async def _hard_to_guess(stage: Stage) -> None:
    done = await stage.completed()
    expect_hard_to_guess("access_token", done.text("access_token"), least=_MUST_BITS)
    if "refresh_token" in done.members:
        expect_hard_to_guess("refresh_token", done.text("refresh_token"), least=_MUST_BITS)


async def _expires_in(stage: Stage) -> None:
    done = await stage.completed()
    if "expires_in" not in done.members:
        raise Suspicion("expires_in in the token response", "there is none")
    value = done.members["expires_in"]
    expect(
        is_integer(value) and 0 < value <= _YEAR,
        "expires_in, an integer of seconds",
        f"it is {value!r}",
    )


async def _fresh(stage: Stage) -> None:
    first, second = await stage.completed(), await stage.completed()
    expect(
        first.text("access_token") != second.text("access_token"),
        "another access token for another request",
        "it is the same",
    )


async def _short_lived(stage: Stage) -> None:
    planned = stage.client.planned
    value = (await stage.completed()).members.get("expires_in")
    bound = planned.dpop_key is not None or planned.certificate is not None
    if isinstance(value, int) and not bound:
        expect(value <= _TEN_MINUTES, "a bearer token of ten minutes at most", f"{value} s")


CHECKS: Final = (
    Check(
        id="token-response-shape",
        title="After approval there are access_token, token_type and id_token",
        run=_shape,
        requirements=("ciba-10.1.1-1", "oidc-3.1.3.3-1"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="token-response-no-store",
        title="Tokens must not be kept by caches",
        run=_no_store,
        requirements=("rfc6749-5.1-1",),
        modules=("fapi-ciba-id1",),
        modes=FETCHED,
    ),
    Check(
        id="token-type",
        title="token_type says how the token is to be used",
        run=_token_type,
        requirements=("oidc-3.1.3.3-2", "rfc9449-5-2"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="token-entropy",
        title="Access and refresh tokens are hard to guess",
        run=_hard_to_guess,
        requirements=("fapi1-p1-5.2.2-16", "rfc6749-10.10-1"),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="token-expires-in",
        title="The token response says how long the access token lives",
        run=_expires_in,
        requirements=("fapi1-p1-5.2.2-14",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="token-fresh",
        title="Two requests bring two access tokens",
        run=_fresh,
        requirements=("rfc6749-10.10-1",),
    ),
    Check(
        id="token-short-lived",
        title="Tokens that anybody can use live for ten minutes at most",
        run=_short_lived,
        requirements=("fapi1-p1-5.2.2-21",),
        severity=Severity.WARNING,
    ),
)
