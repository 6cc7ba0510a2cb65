"""Parameters of authentication requests, right and wrong (CIBA 7.1, 7.2, 13)."""

from typing import Final

from ciba_client.conformance.check import (
    NOTIFIED,
    Check,
    CheckRun,
    NotApplicable,
    Suspicion,
)
from ciba_client.conformance.expectations import expect_backchannel_error
from ciba_client.conformance.parties.signer import Changes
from ciba_client.conformance.stage import Stage

__all__ = ["CHECKS"]

_TOKEN: Final = "client_notification_token"  # noqa: S105 - the name of a parameter
_LONGEST_NOTIFICATION_TOKEN: Final = 1024
_STRANGE_MESSAGE: Final = (
    "1234 \u2728 \u4f60\u597d \u3053\u3093\u306b\u3061\u306f \U0001f600 "
    + "Lorem ipsum dolor sit amet, consectetur adipiscing elit. " * 8
)


def _refused(changed: Changes, *codes: str) -> CheckRun:
    async def run(stage: Stage) -> None:
        expect_backchannel_error(await stage.ask(changed), *codes)

    return run


def _accepted(changed: Changes) -> CheckRun:
    async def run(stage: Stage) -> None:
        await stage.begin(changed)

    return run


def _scope_order(stage: Stage) -> dict[str, object]:
    tokens = stage.plan.request.scope.split()
    if len(tokens) < 2:  # noqa: PLR2004 - one has no order
        raise NotApplicable("request.scope has one token only")
    return {"scope": " ".join(reversed(tokens))}


async def _reversed_scope(stage: Stage) -> None:
    await stage.begin(_scope_order(stage))


async def _without_openid(stage: Stage) -> None:
    others = [each for each in stage.plan.request.scope.split() if each != "openid"]
    changed = " ".join(others) or "profile"
    expect_backchannel_error(
        await stage.ask({"scope": changed}), "invalid_scope", "invalid_request"
    )


async def _expiry_as_string(stage: Stage) -> None:
    await stage.begin({"requested_expiry": "30"})


async def _strange_message(stage: Stage) -> None:
    answer = await stage.ask({"binding_message": _STRANGE_MESSAGE})
    if answer.status == 200:  # noqa: PLR2004 - accepted
        raise Suspicion(
            "400 invalid_binding_message", "it was accepted: look whether the phone shows all of it"
        )
    expect_backchannel_error(answer, "invalid_binding_message")


async def _user_code_needed(stage: Stage) -> None:
    if stage.plan.request.user_code is None:
        raise NotApplicable("no request.user_code is configured")
    expect_backchannel_error(await stage.ask({"user_code": None}), "missing_user_code")


async def _user_code_wrong(stage: Stage) -> None:
    if stage.plan.request.user_code is None:
        raise NotApplicable("no request.user_code is configured")
    wrong = stage.plan.request.user_code[::-1] + "0"
    expect_backchannel_error(await stage.ask({"user_code": wrong}), "invalid_user_code")


async def _longest_token(stage: Stage) -> None:
    token = (stage.client.notification_token * 40)[: _LONGEST_NOTIFICATION_TOKEN - 8] + "-._~+/=="
    stage.client.notification_token = token
    await stage.begin()


CHECKS: Final = (
    Check(
        id="scope-missing",
        title="A request without scope is refused",
        run=_refused({"scope": None}, "invalid_request", "invalid_scope"),
        requirements=("ciba-7.1-4",),
    ),
    Check(
        id="scope-without-openid",
        title="A request whose scope lacks openid is refused",
        run=_without_openid,
        requirements=("ciba-7.1-4",),
    ),
    Check(
        id="scope-order",
        title="The order of scope tokens does not matter",
        run=_reversed_scope,
        requirements=("ciba-7.1-4",),
        modules=("ensure-other-scope-order-succeeds",),
    ),
    Check(
        id="binding-message-accepted",
        title="A short binding message is accepted",
        run=_accepted({"binding_message": "1234"}),
        requirements=("ciba-7.1-14",),
        modules=("ensure-authorization-request-with-binding-message-succeeds",),
    ),
    Check(
        id="binding-message-strange",
        title="A long binding message with emoji is refused by its own error code",
        run=_strange_message,
        requirements=("ciba-7.1-14",),
        modules=("ensure-authorization-request-with-potentially-bad-binding-message",),
    ),
    Check(
        id="requested-expiry-string",
        title="requested_expiry may be a string",
        run=_expiry_as_string,
        requirements=("ciba-7.1.1-11",),
        modules=("ensure-requested-expiry-as-string-succeeds",),
    ),
    Check(
        id="requested-expiry-number",
        title="requested_expiry may be a number",
        run=_accepted({"requested_expiry": 300}),
        requirements=("ciba-7.1.1-11",),
        modules=("fapi-ciba-id1",),
    ),
    Check(
        id="requested-expiry-zero",
        title="requested_expiry of zero is refused",
        run=_refused({"requested_expiry": 0}, "invalid_request"),
        requirements=("ciba-7.1-17",),
    ),
    Check(
        id="requested-expiry-negative",
        title="A negative requested_expiry is refused",
        run=_refused({"requested_expiry": -30}, "invalid_request"),
        requirements=("ciba-7.1-17",),
    ),
    Check(
        id="requested-expiry-not-a-number",
        title="A requested_expiry that is no number is refused",
        run=_refused({"requested_expiry": "soon"}, "invalid_request"),
        requirements=("ciba-7.1-17",),
    ),
    Check(
        id="unknown-parameter-ignored",
        title="Parameters that nobody knows are ignored",
        run=_accepted({"a_parameter_nobody_knows": "x"}),
        requirements=("ciba-7.2-7",),
    ),
    Check(
        id="notification-token-missing",
        title="A client that is notified must say by which token",
        run=_refused({_TOKEN: None}, "invalid_request"),
        requirements=("ciba-7.1-5",),
        modes=NOTIFIED,
    ),
    Check(
        id="notification-token-longest",
        title="A notification token of 1024 characters is accepted",
        run=_longest_token,
        requirements=("ciba-7.1-6", "ciba-7.1-7"),
        modules=("fapi-ciba-id1",),
        modes=NOTIFIED,
    ),
    Check(
        id="notification-token-too-long",
        title="A notification token of 1025 characters is refused",
        run=_refused({_TOKEN: "a9" * 512 + "b"}, "invalid_request"),
        requirements=("ciba-7.1-6",),
        modes=NOTIFIED,
    ),
    Check(
        id="notification-token-characters",
        title="A notification token that no header can carry is refused",
        run=_refused(
            {_TOKEN: "long enough, and yet not a bearer token: \u00e9"}, "invalid_request"
        ),
        requirements=("ciba-7.1-7",),
        modes=NOTIFIED,
    ),
    Check(
        id="user-code-missing",
        title="A request without the user code that is needed is refused",
        run=_user_code_needed,
        requirements=("ciba-7.1.2-2",),
    ),
    Check(
        id="user-code-wrong",
        title="A request with a wrong user code is refused",
        run=_user_code_wrong,
        requirements=("ciba-7.1.2-3",),
    ),
)
