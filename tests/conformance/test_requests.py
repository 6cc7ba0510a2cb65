"""What the backchannel authentication endpoint accepts, and its other refusals (CIBA 7, 13)."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Merchant A",
}
FORM = {"content-type": "application/x-www-form-urlencoded"}
HINTS = "One of login_hint, login_hint_token and id_token_hint is required, and only one."
NOTIFICATION_TOKEN = "The parameter client_notification_token is not valid."


@pytest.mark.clause("ciba-7.3-1", "ciba-7.3-3", "ciba-7.3-4", "ciba-7.3-5", "ciba-7.3-7")
async def test_a_request_is_acknowledged(service: RunningService, phone: WirePhone):
    """200, JSON, not cached: the id, its lifetime and the interval, and nothing else."""
    assert phone.device_id
    answer = await service.till.start()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert set(content) == {"auth_req_id", "expires_in", "interval"}
    assert re.fullmatch(r"[A-Za-z0-9._-]{43}", content["auth_req_id"])
    assert (content["expires_in"], content["interval"]) == (180, 5)


@pytest.mark.clause("ciba-13-2")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scope": None}, "The parameter scope is required."),
        ({"login_hint": None}, HINTS),
        ({"login_hint_token": "a.b.c"}, HINTS),
        ({"login_hint": "a\x00b"}, "The parameter login_hint is not valid."),
        ({"login_hint": 7}, "The parameter login_hint is not valid."),
        ({"requested_expiry": -1}, "The parameter requested_expiry is not valid."),
        ({"acr_values": "a" * 1025}, "The parameter acr_values is not valid."),
        ({"claims": "no JSON"}, "The parameter claims is not valid."),
        ({"request_context": []}, "The parameter request_context is not valid."),
        ({"user_code": "a\x00"}, "The parameter user_code is not valid."),
        ({"client_notification_token": "a b"}, NOTIFICATION_TOKEN),
        ({"exp": 1}, "The parameter request is not valid."),
    ],
    ids=repr,
)
async def test_a_refusal_names_what_is_wrong(
    service: RunningService, changed: dict[str, Any], told: str
):
    """Whoever integrates need not guess; nothing that was sent comes back."""
    answer = await service.till.start(**changed)
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["error_description"] == told


@pytest.mark.clause("ciba-13-2")
@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("&scope=openid", "Parameters of the authentication request stand outside"),
        ("&client_assertion_type=x", "A parameter is repeated."),
    ],
)
async def test_a_refusal_names_what_is_too_much(service: RunningService, extra: str, told: str):
    """Beside the signed request, or twice."""
    till = service.till
    form = urlencode({**till.credentials(), "request": till.request_object()})
    answer = await service.http.post("/bc-authorize", content=form + extra, headers=FORM)
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["error_description"].startswith(told)


@pytest.mark.clause("ciba-13-2")
@pytest.mark.parametrize(
    ("path", "left_out"),
    [("/token", "grant_type"), ("/token", "auth_req_id"), ("/revoke", "token")],
)
async def test_a_refusal_names_what_lacks(service: RunningService, path: str, left_out: str):
    """At other endpoints as well; what is no form at all is told so."""
    form = {"grant_type": CIBA, **service.till.credentials()}
    form.pop(left_out, None)
    answer = await service.http.post(path, data=form)
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["error_description"] == f"The parameter {left_out} is required."
    answer = await service.http.post(path, json=form)
    assert_refused(answer, 400, "invalid_request")
    assert answer.json()["error_description"].startswith("The content type is not")


@pytest.mark.clause("ciba-7.1.1-11", "ciba-7.1-18")
@pytest.mark.parametrize(
    ("requested", "granted"),
    [(300, 300), ("30", 30), (30.0, 30), (1, 10), ("9", 10), (601, 600), (10**30, 600)],
)
async def test_requested_expiry_as_string_succeeds(
    service: RunningService, phone: WirePhone, requested: Any, granted: int
):
    """Number or string; what is granted lies between ten seconds and ten minutes."""
    assert phone.device_id
    answer = await service.till.start(requested_expiry=requested)
    assert answer.json()["expires_in"] == granted


@pytest.mark.parametrize("typ", [None, "JWT", "OAuth-aUthZ-rEq+JwT"])
async def test_a_scrambled_type_succeeds(service: RunningService, phone: WirePhone, typ: str):
    """The type of a request object compares without case, and may be absent."""
    assert phone.device_id
    assert (await service.till.start(header={"typ": typ})).status_code == 200


async def test_other_scope_order_succeeds(service: RunningService, phone: WirePhone):
    """Openid need not come first."""
    assert phone.device_id
    assert (await service.till.start(scope="profile openid")).status_code == 200


async def test_authorization_request_with_binding_message_succeeds(
    service: RunningService, phone: WirePhone
):
    """The phone is shown what was sent, unchanged."""
    await service.till.started(binding_message="1234")
    (challenge,) = await phone.fetch()
    assert claims_of(challenge)["display"]["binding_message"] == "1234"


@pytest.mark.clause("ciba-7.1-14", "ciba-7.1-13")
@pytest.mark.parametrize(
    "message",
    ["", "x" * 101, "1234 \U0001f600\u6f22\u5b57 " * 40, "a  b", "a\nb", "p\u0430ypal"],
    ids=["empty", "long", "certification", "spaces", "lines", "look-alikes"],
)
async def test_authorization_request_with_potentially_bad_binding_message_fails(
    service: RunningService, message: str
):
    """400 invalid_binding_message, rather than a message that reads differently."""
    answer = await service.till.start(binding_message=message)
    assert_refused(answer, 400, "invalid_binding_message")


@pytest.mark.clause("ciba-13-4", "ciba-7.1-4")
@pytest.mark.parametrize("scope", ["profile", "openid payments", "openid  profile", "openid\n"])
async def test_a_scope_that_is_not_allowed_fails(service: RunningService, scope: str):
    """Unknown, not registered, malformed or without openid."""
    assert_refused(await service.till.start(scope=scope), 400, "invalid_scope")


@pytest.mark.clause("rfc9396-5-1", "rfc9396-2-1")
@pytest.mark.parametrize(
    "details",
    [
        *([], [{}], [{**PAYMENT, "type": "x"}], [{**PAYMENT, "x": 1}], PAYMENT, "payment"),
        [PAYMENT] * 2,
        [{name: value for name, value in PAYMENT.items() if name != "type"}],
    ],
)
async def test_authorization_details_that_are_not_understood_fail(
    service: RunningService, details: Any
):
    """400 invalid_authorization_details."""
    answer = await service.till.start(authorization_details=details)
    assert_refused(answer, 400, "invalid_authorization_details")


@pytest.mark.clause("ciba-7.2-4", "ciba-7.2-5", "ciba-13-6")
async def test_a_hint_that_leads_to_nobody_fails(run_service: ServiceRunner, till: WireClient):
    """Unknown, disabled and phone-less users are told apart by nothing."""
    users = ({"sub": "alice"}, {"sub": "dora", "enabled": False})
    async with run_service(clients=[till], users=users) as service:
        answers = [await till.start(login_hint=hint) for hint in ("alice", "dora", "nobody")]
        for answer in answers:
            assert_refused(answer, 400, "unknown_user_id")
        assert len({answer.text for answer in answers}) == 1
        assert service.telemetry.failures == []


@pytest.mark.clause("ciba-7.2-7", "ciba-7.1.1-3")
async def test_unknown_parameters_are_ignored(service: RunningService, phone: WirePhone):
    """Inside the request and beside it."""
    assert phone.device_id
    form = {
        **service.till.credentials(),
        "client_id": "till",
        "request": service.till.request_object(unknown={"a": 1}),
        "unknown": "x",
    }
    assert (await service.till.post("/bc-authorize", form)).status_code == 200


async def test_an_unsigned_request_of_a_client_that_does_not_sign_succeeds(
    run_service: ServiceRunner,
):
    """CIBA Core: a client that registered no signing algorithm sends a form."""
    client = WireClient("till", metadata={"backchannel_authentication_request_signing_alg": ""})
    registration = client.registration()
    del registration["backchannel_authentication_request_signing_alg"]
    client.registration = lambda: registration  # type: ignore[method-assign]
    async with run_service(clients=[client]) as service:
        await service.enrolled_phone()
        form = {"scope": "openid", "login_hint": "alice@example.org", "requested_expiry": "60"}
        answer = await client.post("/bc-authorize", {**client.credentials(), **form})
        assert (answer.status_code, answer.json()["expires_in"]) == (200, 60)
        signed = await client.start()
        assert_refused(signed, 400, "invalid_request")


@pytest.mark.clause("ciba-7.2-1", "ciba-7.2-8")
async def test_the_client_is_authenticated_before_anything_else(service: RunningService):
    """Who is not authenticated learns nothing about the rest of the request."""
    answer = await service.till.post("/bc-authorize", {"request": "x", "scope": "?"})
    assert_refused(answer, 401, "invalid_client")


@pytest.mark.clause("ciba-7-2", "rfc6749-3.2-1")
@pytest.mark.parametrize("path", ["/bc-authorize", "/token"])
async def test_only_a_form_by_post_is_taken(service: RunningService, path: str):
    """Another method is 405, another type or a repeated parameter 400, too much is 413."""
    assert_refused(await service.http.get(path), 405, "invalid_request")
    assert_refused(await service.http.post(path, json={}), 400, "invalid_request")
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body, status in (
        (b"scope=a&scope=b", 400),
        (b"scope=%ff", 400),
        (b"scope=%zz", 400),
        (b"scope=\xc3\xa9", 400),
        (b"&".join(b"p%d=x" % number for number in range(65)), 400),
        (b"a=" + b"x" * 65_536, 413),
    ):
        answer = await service.http.post(path, content=body, headers=form)
        assert_refused(answer, status, "invalid_request")


@pytest.mark.clause("ciba-13-9", "rfc10027-6.1.11-1")
async def test_a_refusal_by_policy_is_403(service: RunningService, phone: WirePhone):
    """Beyond the cap of open prompts: access_denied, with 403 at this endpoint."""
    assert phone.device_id
    for _ in range(5):
        await service.till.started()
    assert_refused(await service.till.start(), 403, "access_denied")
