"""The door of an Authlib host: forms and headers of strangers, before the service is asked."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.embedding import EmbeddedService
from ciba_service.integrations.authlib import Portal
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.views import create_bank
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, altered, any_text, compact, damaged
from tests.unit.integrations.test_authlib_refusals import ENDPOINTS, ISSUER, SECRET, row
from tests.wire.client import ASSERTION_TYPE, CIBA
from tests.wire.signing import new_key, public_jwk, sign

KEY = new_key()
SIGNING = {
    "client_secret": None,
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [public_jwk(KEY)]},
    "profile": "ciba-core",
}
FORM = b"grant_type=" + CIBA.replace(":", "%3A").encode() + b"&auth_req_id=" + b"A" * 43
ASSERTED = {"iss": "till", "sub": "till", "aud": ISSUER, "exp": 2**40, "jti": "j"}
BASIC = b"Basic " + base64.b64encode(f"kiosk:{SECRET}".encode())


@pytest.fixture(scope="module")
def bank() -> FlaskClient:
    """A bank whose service cannot be reached: 503 says that a request got so far."""

    @asynccontextmanager
    async def unreachable() -> AsyncIterator[EmbeddedService]:
        raise OSError("nobody is there")
        yield  # pragma: no cover - makes it a generator

    clients = ClientTable([row("kiosk"), row("till", **SIGNING)])
    return create_bank(Portal(unreachable), clients, ISSUER).test_client()


def _status(bank: FlaskClient, path: str, body: bytes, authorization: bytes, kind: str) -> int:
    headers = [("Authorization", authorization.decode("latin-1"))] if authorization else []
    answer = bank.post(path, data=body, base_url=ISSUER, headers=headers, content_type=kind)
    assert {"error"} <= set(answer.get_json()) <= {"error", "error_description"}
    return answer.status_code


@fuzzed
@given(
    path=st.sampled_from(sorted(ENDPOINTS)),
    body=st.one_of(RAW, damaged(FORM), any_text.map(lambda text: text.encode("utf-8", "replace"))),
    authorization=st.one_of(st.sampled_from([b"", BASIC]), damaged(BASIC)).map(
        lambda value: value.replace(b"\r", b"").replace(b"\n", b"")
    ),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "application/json", "text/x", ""]),
)
@example(path="/token", body=b"&" * 60_000, authorization=BASIC, kind="multipart/form-data; x")
@example(path="/token", body=FORM, authorization=b"Basic " + b"=" * 9_000, kind="text/plain")
def test_a_form_of_any_bytes_is_refused_or_understood(
    bank: FlaskClient, path: str, body: bytes, authorization: bytes, kind: str
) -> None:
    """Authlib and Flask read what they like; what we answer is an error of the protocol."""
    assert _status(bank, path, body, authorization, kind) in {400, 401, 403, 413, 415, 503}


@fuzzed
@given(claims=altered(ASSERTED))
@example(claims=ASSERTED)
def test_an_assertion_of_any_content_is_refused_or_understood(
    bank: FlaskClient, claims: object
) -> None:
    """The service verifies it for its host."""
    assertion = sign({"alg": "ES256"}, compact(claims), KEY).encode()
    kind = f"client_assertion_type={ASSERTION_TYPE.replace(':', '%3A')}".encode()
    body = b"&".join((FORM, kind, b"client_assertion=" + assertion))
    status = _status(bank, "/token", body, b"", "application/x-www-form-urlencoded")
    assert status in {400, 401, 503}
