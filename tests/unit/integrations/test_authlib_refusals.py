"""What an Authlib server refuses before the service is asked, and when that cannot be asked."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ciba_service.embedding import EmbeddedService, InvalidMetadataError
from ciba_service.integrations.authlib import Portal, entrance, registered_client
from ciba_service.protocol.profiles import ProfileName
from examples.authlib_flask.clients import BankClient, ClientTable
from examples.authlib_flask.views import create_bank
from tests.services.recording_telemetry import RecordingTelemetry
from tests.wire.client import ASSERTION_TYPE, CIBA
from tests.wire.signing import new_key, public_jwk

ISSUER = "https://bank.example"
SECRET = "a-secret-of-this-test"


def row(client_id: str, **changed: Any) -> dict[str, Any]:
    """The metadata of a client with a secret; None drops a member."""
    members = {
        "client_id": client_id,
        "client_secret": SECRET,
        "grant_types": [CIBA],
        "scope": "openid",
        "token_endpoint_auth_method": "client_secret_basic",
        "backchannel_token_delivery_mode": "poll",
        **changed,
    }
    return {name: value for name, value in members.items() if value is not None}


PUSH = {
    "backchannel_token_delivery_mode": "push",
    "backchannel_client_notification_endpoint": "https://client.example/push",
}
ROWS = [
    row("kiosk"),
    row("web", grant_types=["authorization_code"], backchannel_token_delivery_mode=None),
    row("pushed", **PUSH),
    row("wrong", backchannel_token_delivery_mode="pigeon"),
]


@pytest.fixture
def entered() -> list[str]:
    """How often the service was asked for."""
    return []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> RecordingTelemetry:
    """What the host's log is told."""
    log = RecordingTelemetry()
    monkeypatch.setattr(entrance, "LogTelemetry", lambda: log)
    return log


@pytest.fixture
def bank(entered: list[str]) -> FlaskClient:
    """A bank whose service cannot be reached."""

    @asynccontextmanager
    async def unreachable() -> AsyncIterator[EmbeddedService]:
        entered.append("tried")
        raise OSError("nobody is there")
        yield  # pragma: no cover - makes it a generator

    app: Flask = create_bank(Portal(unreachable), ClientTable(ROWS), ISSUER)
    return app.test_client()


def post(
    bank: FlaskClient, path: str, form: Mapping[str, Any] | str, client_id: str | None = "kiosk"
) -> TestResponse:
    """A form, by a client with a secret if it says which."""
    return bank.post(
        path,
        data=form,
        base_url=ISSUER,
        content_type="application/x-www-form-urlencoded",
        auth=None if client_id is None else (client_id, SECRET),
    )


def told(answer: TestResponse) -> tuple[int, str]:
    """Status and code; the description is a constant sentence."""
    document = answer.get_json()
    assert set(document) == {"error", "error_description"}
    return answer.status_code, document["error"]


ENDPOINTS = {
    "/bc-authorize": {"scope": "openid", "login_hint": "4711"},
    "/bc-authorize/cancel": {"auth_req_id": "A" * 43},
    "/token": {"grant_type": CIBA, "auth_req_id": "A" * 43},
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_service_that_cannot_be_reached_is_said_to_be(
    bank: FlaskClient, entered: list[str], path: str, log: RecordingTelemetry
):
    """The client may try again; why is said to the operator only."""
    answer = post(bank, path, ENDPOINTS[path])
    (told_to_log,) = log.failures
    assert told_to_log.name == "portal_unavailable"
    assert "nobody is there" in str(told_to_log.fields["error"])
    assert told(answer) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "nobody" not in answer.text
    assert entered == ["tried"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_client_that_does_not_prove_who_it_is_learns_nothing(
    bank: FlaskClient, entered: list[str], path: str
):
    """Unknown, wrong and missing are answered alike; by header to whoever came by header."""
    form = ENDPOINTS[path]
    for credentials in (("kiosk", "wrong"), ("nobody", SECRET)):
        answer = bank.post(path, data=form, base_url=ISSUER, auth=credentials)
        assert told(answer) == (401, "invalid_client")
        assert answer.headers.getlist("www-authenticate") == ['Basic realm="client"']
    missing = post(bank, path, form, client_id=None)
    assert told(missing) == (401, "invalid_client")
    assert "www-authenticate" not in missing.headers
    assert entered == []


@pytest.mark.clause("rfc6749-2.3-1")
def test_two_methods_of_authentication_are_one_too_many(bank: FlaskClient, entered: list[str]):
    """Even if either would do."""
    signed = {"client_assertion": "x", "client_assertion_type": ASSERTION_TYPE}
    secret = {"client_secret": SECRET}
    for client_id, more in (("kiosk", signed), ("kiosk", secret), (None, signed | secret)):
        answer = post(bank, "/token", ENDPOINTS["/token"] | more, client_id)
        assert told(answer) == (401, "invalid_client")
    assert entered == []


@pytest.mark.parametrize(
    "extra",
    ["&scope=openid&scope=openid", "".join(f"&p{n}=1" for n in range(65)), "&p=" + "x" * 65_537],
    ids=["repeated", "many", "long"],
)
@pytest.mark.parametrize("path", ENDPOINTS)
def test_forms_are_bounded_and_name_a_parameter_once(
    bank: FlaskClient, entered: list[str], path: str, extra: str
):
    """Before anything else is looked at."""
    form = "&".join(f"{name}={value}" for name, value in ENDPOINTS[path].items())
    answer = post(bank, path, form + extra)
    assert told(answer) == (400, "invalid_request")
    assert entered == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_only_forms_are_taken(bank: FlaskClient, entered: list[str], path: str):
    """Flask would read other things, too, and parameters in the query."""
    credentials = ("kiosk", SECRET)
    query = {"grant_type": CIBA}
    for sent in ({"json": ENDPOINTS[path]}, {"data": ENDPOINTS[path]}):
        several = {**sent, "content_type": "multipart/form-data"} if "data" in sent else sent
        answer = bank.post(path, query_string=query, base_url=ISSUER, auth=credentials, **several)
        assert told(answer) == (400, "invalid_request")
    assert entered == []


def test_the_grant_type_is_in_the_body(bank: FlaskClient, entered: list[str]):
    """Authlib finds it in the query as well."""
    answer = bank.post(
        "/token",
        query_string={"grant_type": CIBA},
        data={"auth_req_id": "A" * 43},
        base_url=ISSUER,
        auth=("kiosk", SECRET),
    )
    assert told(answer) == (400, "invalid_request")
    assert entered == []


@pytest.mark.parametrize("client_id", ["web", "pushed", "wrong"])
@pytest.mark.parametrize("path", ENDPOINTS)
def test_clients_that_cannot_use_ciba_here_are_not_authorized(
    bank: FlaskClient,
    entered: list[str],
    path: str,
    client_id: str,
    log: RecordingTelemetry,
):
    """Without the grant, with a mode that is not offered, or with metadata that says nothing.

    The operator is told what is wrong with metadata.
    """
    assert told(post(bank, path, ENDPOINTS[path], client_id)) == (400, "unauthorized_client")
    assert [each.name for each in log.failures] == (
        [] if client_id == "web" else ["client_metadata_refused"]
    )
    assert entered == []


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic /////w==", "Basic YQ==", "Bearer x", "Basic a b", "Basic \xe9"],
)
def test_a_broken_header_proves_nothing(bank: FlaskClient, entered: list[str], header: str):
    """Whatever is wrong with it."""
    path = "/token"
    answer = bank.post(
        path, data=ENDPOINTS[path], base_url=ISSUER, headers={"Authorization": header}
    )
    assert told(answer) == (401, "invalid_client")
    assert entered == []


def test_what_does_not_come_over_tls_is_refused(bank: FlaskClient):
    """A proxy that ends TLS has to say so, or the host to believe it (werkzeug's ProxyFix)."""
    answer = bank.post("/token", data=ENDPOINTS["/token"], base_url="http://bank.example")
    assert told(answer) == (400, "insecure_transport")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_only_post_is_taken(bank: FlaskClient, path: str):
    """Whatever is in the query."""
    answer = bank.get(path, query_string=ENDPOINTS[path], base_url=ISSUER)
    assert answer.status_code == 405


def test_a_client_without_a_profile_is_an_ordinary_one():
    """A host's client needs no keys, unless it signs."""
    client = registered_client(BankClient(row("kiosk")))
    assert (client.client_id, client.profile.name) == ("kiosk", ProfileName.CIBA_CORE)
    assert client.may_use_ciba
    signs = row("kiosk", backchannel_authentication_request_signing_alg="ES256")
    with pytest.raises(InvalidMetadataError, match="jwks"):
        registered_client(BankClient(signs))


def test_push_is_refused_when_a_client_registers():
    """Tokens of a host are made when they are asked for."""
    with pytest.raises(InvalidMetadataError, match="push"):
        registered_client(BankClient(row("kiosk", **PUSH)))


FAPI_REQUEST = {
    "jwks": {"keys": [public_jwk(new_key())]},
    "backchannel_authentication_request_signing_alg": "ES256",
}


@pytest.mark.parametrize("profile", ["fapi-ciba", "fapi2-ciba"])
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", None])
def test_a_client_of_fapi_proves_who_it_is_by_a_key(profile: str, method: str | None):
    """However the host lets others in: it is never public, and has no secret to share."""
    weak = row("shop", profile=profile, token_endpoint_auth_method=method, **FAPI_REQUEST)
    with pytest.raises(InvalidMetadataError, match="token_endpoint_auth_method"):
        registered_client(BankClient(weak))


@pytest.mark.parametrize("profile", ["fapi-ciba", "fapi2-ciba"])
@pytest.mark.parametrize("method", ["private_key_jwt", "tls_client_auth"])
def test_whoever_verifies_the_key_is_the_hosts_choice(profile: str, method: str):
    """The service, or the server in front that ends TLS."""
    strong = row(
        "shop",
        profile=profile,
        token_endpoint_auth_method=method,
        dpop_bound_access_tokens=profile == "fapi2-ciba",
        tls_client_certificate_bound_access_tokens=profile == "fapi-ciba",
        **FAPI_REQUEST,
    )
    assert registered_client(BankClient(strong)).profile.name == profile


def test_a_public_client_asks_nobody():
    """CIBA 7.1: whoever asks has authenticated."""
    with pytest.raises(InvalidMetadataError, match="token_endpoint_auth_method"):
        registered_client(BankClient(row("app", token_endpoint_auth_method="none")))
    other = row("app", token_endpoint_auth_method="none", grant_types=["authorization_code"])
    assert not registered_client(BankClient(other)).may_use_ciba


def test_a_client_of_other_grants_can_authenticate_and_no_more():
    """Its assertions are verified like everybody's."""
    keys = {"keys": [public_jwk(new_key())]}
    metadata = row("web", token_endpoint_auth_method="private_key_jwt", jwks=keys)
    client = registered_client(BankClient({**metadata, "grant_types": ["authorization_code"]}))
    assert not client.may_use_ciba
    assert client.assertion_algorithms
    assert client.certificate_rule is None
