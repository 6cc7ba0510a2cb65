"""Whom a request is about: exactly one hint, which leads to a user (CIBA 7.1, 7.2, 14)."""

from typing import Final

from ciba_client.conformance.check import Check, CheckRun
from ciba_client.conformance.expectations import expect_backchannel_error
from ciba_client.conformance.parties.signer import Changes, Signer, new_stranger
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_NO_HINT: Final[dict[str, object]] = {
    "login_hint": None,
    "login_hint_token": None,
    "id_token_hint": None,
}


def _refused(hints: Changes, *codes: str) -> CheckRun:
    async def run(stage: Stage) -> None:
        expect_backchannel_error(await stage.ask({**_NO_HINT, **hints}), *codes)

    return run


async def _two(stage: Stage) -> None:
    asked = stage.plan.request
    more = "login_hint" if asked.login_hint is None else "login_hint_token"
    answer = await stage.ask({more: "another"})
    expect_backchannel_error(answer, "invalid_request")


async def _unknown(stage: Stage) -> None:
    hints = {**_NO_HINT, "login_hint": stage.plan.request.unknown_login_hint}
    # CIBA 13: a provider may also answer that it takes no such hints.
    expect_backchannel_error(await stage.ask(hints), "unknown_user_id", "invalid_request")


async def _foreign_id_token(stage: Stage) -> None:
    now = stage.client.now()
    claims: dict[str, object] = {
        "iss": stage.provider.issuer,
        "aud": stage.client.client_id,
        "sub": "anybody",
        "iat": now,
        "exp": now + 300,
    }
    forged = Signer(new_stranger(stage.client.planned.key)).sign(claims)
    answer = await stage.ask({**_NO_HINT, "id_token_hint": forged})
    expect_backchannel_error(answer, "unknown_user_id", "invalid_request")


CHECKS: Final = (
    Check(
        id="hint-missing",
        title="A request without a hint is refused",
        run=_refused({}, "invalid_request"),
        requirements=("ciba-7.1-11",),
    ),
    Check(
        id="hint-two",
        title="A request with two hints is refused",
        run=_two,
        requirements=("ciba-7.2-3", "ciba-7.1-11"),
        modules=("ensure-authorization-request-with-multiple-hints-fails",),
    ),
    Check(
        id="hint-unknown-user",
        title="A hint that leads to nobody is refused",
        run=_unknown,
        requirements=("ciba-13-6", "ciba-7.2-5"),
    ),
    Check(
        id="hint-login-hint-token-not-a-jwt",
        title="A login_hint_token that is none is refused",
        run=_refused(
            {"login_hint_token": "no-such.token"},
            "invalid_request",
            "unknown_user_id",
            "expired_login_hint_token",
        ),
        requirements=("ciba-14-1",),
    ),
    Check(
        id="hint-id-token-forged",
        title="An id_token_hint that the provider has not signed is refused",
        run=_foreign_id_token,
        requirements=("ciba-14-4", "ciba-14-5"),
    ),
)
