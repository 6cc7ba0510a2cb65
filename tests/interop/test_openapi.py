"""schemathesis, which nobody here wrote, believes the OpenAPI document and tries to break it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.whole_service import EVERYTHING, TOKEN_ENDPOINT_TOKEN
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone
from tests.wire.registration import INITIAL_ACCESS_TOKEN, metadata_of, registered
from tests.wire.resource import PAYMENT
from tests.wire.signing import new_key
from tests.wire.tokens import API, REFRESHING

ROOT: Final = Path(__file__).parents[2]
ST: Final = Path(sys.executable).parent / "st"
SECONDS: Final = 150
"""Bound of the whole run; it takes about ten."""
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
CANCEL: Final = "POST /bc-authorize/cancel"
EVENTS: Final = "POST /bc-authorize/events"
RECEIPT: Final = "POST /bc-authorize/receipt"
ANSWERED_200: Final = (
    "POST /bc-authorize", EVENTS, RECEIPT, "POST /token", "POST /introspect", "POST /revoke",
)  # fmt: skip
CLIENT_FORMS: Final = (*ANSWERED_200, CANCEL)
REACHED: Final = {
    *(f"{CANCEL} {status}" for status in (204, 400, 401, 409)),
    *(f"{form} {status}" for form in ANSWERED_200 for status in (200, 400, 401)),
    f"{RECEIPT} 409",
    *("GET /userinfo 200", "POST /userinfo 200", "GET /userinfo 401"),
    *("GET /resource/accounts 200", "POST /resource/payments 201", "POST /resource/payments 409"),
    *("POST /register 201", "POST /register 400", "POST /register 401"),
    *(f"{method} /register/{{client_id}} 200" for method in ("GET", "PUT")),
    "DELETE /register/{client_id} 204",
    *("POST /device/enrolments 201", "POST /device/enrolments 400"),
    *(
        f"POST /grants/ciba/{verb} {status}"
        for verb in ("redeem", "cancel")
        for status in (200, 401)
    ),
    *("POST /device/messages 200", "POST /device/messages 401"),
}
"""Answers that show that the requests got beyond the question who asks."""


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that signs no requests and may ask about tokens."""
    metadata = {
        **REFRESHING,
        "backchannel_authentication_request_signing_alg": None,
        "protected_resources": [API],
        "scope": "openid profile accounts",
    }
    return WireClient("shop", metadata=metadata)


@pytest.fixture
async def service(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A service whose clock stands still."""
    sections = {**EVERYTHING, "tokens": {**EVERYTHING.get("tokens", {}), "audience": API}}
    async with run_service(clients=[shop], sections=sections) as running:
        yield running


async def started(shop: WireClient, **more: str) -> str:
    """A request for Alice."""
    form = {"scope": "openid accounts", "login_hint": "alice", **shop.credentials(), **more}
    return str((await shop.post("/bc-authorize", form)).json()["auth_req_id"])


async def granted(shop: WireClient, phone: WirePhone, **more: str) -> dict[str, Any]:
    """The tokens of a request that was approved."""
    auth_req_id = await started(shop, **more)
    await phone.approve_next()
    return dict((await shop.poll(auth_req_id)).json())


async def good_requests(
    service: RunningService, shop: WireClient, phone: WirePhone
) -> dict[str, Any]:
    """Parts of requests, and whole ones, that get far; requests are in several states."""
    tokens, revoked = await granted(shop, phone), await granted(shop, phone)
    paying = await granted(shop, phone, authorization_details=json.dumps([PAYMENT]))
    approved = await started(shop)
    await phone.approve_next()
    again = await started(shop)
    await phone.approve_next()
    denied = await started(shop)
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    pending = await started(shop)
    (challenge,) = await phone.fetch()
    cancelled = await started(shop)
    enrolment = service.phone().enrolment(await service.activation_code("alice"))
    forms = {
        "POST /bc-authorize": {
            "whole": [{"scope": "openid", "login_hint": "alice", "binding_message": "W4SCT"}],
            "body": {"scope": ["openid", "openid profile"], "login_hint": ["alice", "bob"]},
        },
        "POST /token": {
            "whole": [
                {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
                *({"grant_type": CIBA, "auth_req_id": each} for each in (approved, pending)),
            ],
            "body": {"auth_req_id": [pending, denied]},
        },
        CANCEL: {"whole": [{"auth_req_id": cancelled}, {"auth_req_id": denied}]},
        EVENTS: {"whole": [{"auth_req_id": cancelled}, {"auth_req_id": denied}]},
        RECEIPT: {"whole": [{"auth_req_id": approved}, {"auth_req_id": denied}]},
        "POST /introspect": {"body": {"token": [tokens["access_token"], "none"]}},
        "POST /revoke": {"body": {"token": [revoked["access_token"], "none"]}},
    }
    return {
        **forms,
        **await good_registrations(service),
        **good_questions(shop, granted=again, denied=denied),
        **dict.fromkeys(
            ("GET /userinfo", "POST /userinfo", "GET /resource/accounts"),
            presenting(tokens["access_token"]),
        ),
        "POST /resource/payments": {**presenting(paying["access_token"]), "whole": [PAYMENT]},
        "POST /device/enrolments": {"body": {"enrolment": [enrolment]}},
        "POST /device/messages": {"body": {"decision": [phone.denial(challenge)]}},
    }


def presenting(token: str) -> dict[str, Any]:
    """A bearer token in its header."""
    return {"headers": {"Authorization": [f"Bearer {token}"]}}


def good_questions(shop: WireClient, *, granted: str, denied: str) -> dict[str, Any]:
    """What a token endpoint of another asks."""
    caller = presenting(TOKEN_ENDPOINT_TOKEN)
    caller["headers"]["Idempotency-Key"] = ["request-1"]
    about = [{"client_id": shop.client_id, "auth_req_id": each} for each in (granted, denied)]
    asking = {**caller, "whole": about}
    return {"POST /grants/ciba/redeem": asking, "POST /grants/ciba/cancel": asking}


async def good_registrations(service: RunningService) -> dict[str, Any]:
    """Two clients that registered: one to read and replace, one to remove."""
    metadata = metadata_of(new_key(kid="own"))
    (_, kept), (_, removed) = await registered(service), await registered(service)

    def about(told: dict[str, Any]) -> dict[str, Any]:
        token = presenting(told["registration_access_token"])
        return {**token, "path": {"client_id": told["client_id"]}}

    replacing = {**metadata, "client_id": kept["client_id"]}
    return {
        "POST /register": {**presenting(INITIAL_ACCESS_TOKEN), "whole": [metadata]},
        "GET /register/{client_id}": about(kept),
        "PUT /register/{client_id}": {**about(kept), "whole": [replacing]},
        "DELETE /register/{client_id}": about(removed),
    }


async def known(service: RunningService, shop: WireClient, phone: WirePhone) -> dict[str, Any]:
    """What the hooks need to make credentials, and good requests."""
    return {
        "good": await good_requests(service, shop, phone),
        "issuer": service.issuer,
        "now_ms": service.clock.now_ms(),
        "client_id": shop.client_id,
        "client_key": shop.key.as_dict(private=True),
        "client_forms": CLIENT_FORMS,
        "device_id": phone.device_id,
        "phone_key": phone.key.as_dict(private=True),
        "nonce": await phone.nonce(),
    }


@pytest.mark.timeout(SECONDS + 30)
async def test_the_service_is_what_the_document_says(
    service: RunningService, shop: WireClient, phone: WirePhone, tmp_path: Path
):
    """Whatever is sent, no answer is 5xx, and every answer is one that is described."""
    answers, file = tmp_path / "answers", tmp_path / "known.json"
    file.write_text(
        json.dumps({**await known(service, shop, phone), "answers": str(answers)}), "utf-8"
    )
    environment = {
        **os.environ,
        "CIBA_KNOWN": str(file),
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.interop.schemathesis_hooks",
    }
    process = await asyncio.create_subprocess_exec(
        ST, "run", f"{service.issuer}/openapi.json", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "7",
        "--generation-database", "none", "--continue-on-failure", "--no-color",
        "--request-timeout", "5", env=environment, cwd=tmp_path, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert service.telemetry.failures == []
    assert process.returncode == 0, said.decode()
    assert REACHED - set(answers.read_text("utf-8").splitlines()) == set()
