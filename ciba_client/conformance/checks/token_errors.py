"""Token requests that are not in order (CIBA 10.1, RFC 6749 3.2 and 5.2)."""

from typing import Final
from urllib.parse import urlencode

import msgspec

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.check import FETCHED, Check
from ciba_client.conformance.expectations import (
    PENDING,
    expect,
    expect_refused,
    expect_token_error,
)
from ciba_client.conformance.parties.client import CIBA_GRANT
from ciba_client.conformance.provider import TOKEN
from ciba_client.conformance.stage import Stage
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS"]

_NAME: Final = "there-was-never-a-request-with-this-identifier"


async def _no_auth_req_id(stage: Stage) -> None:
    client = stage.client
    answer = await client.send_token_request(
        lambda: {"grant_type": CIBA_GRANT, **client.credentials()}
    )
    expect_token_error(answer, "invalid_request")


async def _no_grant_type(stage: Stage) -> None:
    client = stage.client
    answer = await client.send_token_request(lambda: {"auth_req_id": _NAME, **client.credentials()})
    expect_token_error(answer, "invalid_request", "unsupported_grant_type")


async def _unknown_grant_type(stage: Stage) -> None:
    client = stage.client
    grant = {"grant_type": "urn:example:no-such-grant", "auth_req_id": _NAME}
    answer = await client.send_token_request(lambda: {**grant, **client.credentials()})
    expect_token_error(answer, "unsupported_grant_type")


async def _password_grant(stage: Stage) -> None:
    client = stage.client
    grant = {"grant_type": "password", "username": "nobody", "password": "nothing"}
    answer = await client.send_token_request(lambda: {**grant, **client.credentials()})
    expect_token_error(answer, "unsupported_grant_type", "unauthorized_client")


async def _repeated(stage: Stage) -> None:
    pending, client = await stage.begin(), stage.client
    answer = await client.send_token_request(
        lambda: [
            ("grant_type", CIBA_GRANT),
            ("auth_req_id", pending.auth_req_id),
            ("auth_req_id", pending.auth_req_id),
            *client.credentials().items(),
        ]
    )
    expect_token_error(answer, "invalid_request")


async def _get(stage: Stage) -> None:
    pending, client = await stage.begin(), stage.client
    form = {
        "grant_type": CIBA_GRANT,
        "auth_req_id": pending.auth_req_id,
        **client.credentials(),
    }
    url = client.endpoint(TOKEN)
    headers = client.proof(url, method="GET")
    answer = await client.send("GET", f"{url}?{urlencode(form)}", headers=headers)
    expect_refused(answer)
    _expect_unread(answer, "the method")


async def _json_body(stage: Stage) -> None:
    pending, client = await stage.begin(), stage.client
    form = {
        "grant_type": CIBA_GRANT,
        "auth_req_id": pending.auth_req_id,
        **client.credentials(),
    }
    url = client.endpoint(TOKEN)
    headers = {"Content-Type": "application/json", **client.proof(url)}
    answer = await client.send("POST", url, headers=headers, body=msgspec.json.encode(form))
    expect_refused(answer)
    _expect_unread(answer, "the body")


def _expect_unread(answer: Answer, what: str) -> None:
    expect(
        answer.error_code() not in PENDING,
        f"a refusal of {what}",
        f"the answer was {answer.summary()}, as if it had been read",
    )


async def _push_client(stage: Stage) -> None:
    pending = await stage.begin()
    expect_token_error(await stage.poll(pending), "unauthorized_client")


CHECKS: Final = (
    Check(
        id="token-auth-req-id-missing",
        title="A token request without auth_req_id is refused",
        run=_no_auth_req_id,
        requirements=("ciba-10.1-3",),
        modes=FETCHED,
    ),
    Check(
        id="token-grant-type-missing",
        title="A token request without grant_type is refused",
        run=_no_grant_type,
        requirements=("ciba-10.1-3",),
        modes=FETCHED,
    ),
    Check(
        id="token-grant-type-unknown",
        title="An unknown grant type is answered unsupported_grant_type",
        run=_unknown_grant_type,
        requirements=("rfc6749-5.2-2",),
    ),
    Check(
        id="token-grant-type-password",
        title="Passwords of users are not taken for tokens",
        run=_password_grant,
        requirements=("fapi2-sp-5.3.2.1-2",),
    ),
    Check(
        id="token-repeated-parameter",
        title="A token request with two auth_req_id is refused",
        run=_repeated,
        requirements=("ciba-10.1-3", "rfc6749-3.2-1"),
        modes=FETCHED,
    ),
    Check(
        id="token-get",
        title="The token endpoint refuses GET",
        run=_get,
        requirements=("rfc6749-3.2-1",),
    ),
    Check(
        id="token-json-body",
        title="The token endpoint refuses a JSON body",
        run=_json_body,
        requirements=("ciba-10.1-3",),
        modes=FETCHED,
    ),
    Check(
        id="token-push-client",
        title="A push client that polls is answered unauthorized_client",
        run=_push_client,
        requirements=("ciba-11-7",),
        modes=frozenset({TokenDeliveryMode.PUSH}),
    ),
)
