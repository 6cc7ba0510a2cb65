"""A client registers itself at an Authlib server: CIBA's metadata by CIBA's rules."""

from collections.abc import Mapping
from typing import Any

import pytest
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc7591 import ClientMetadataClaims, ClientRegistrationEndpoint
from flask import Flask
from flask.testing import FlaskClient

from ciba_service.integrations.authlib import CibaClientMetadataClaims
from tests.wire.client import CIBA
from tests.wire.signing import new_key, public_jwk

PING = {
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://client.example/ping",
}


class Registration(ClientRegistrationEndpoint):
    """One that takes everybody, and keeps nobody."""

    def authenticate_token(self, request: Any) -> object:
        """Everybody has one."""
        return request

    def get_server_metadata(self) -> Mapping[str, object]:
        """Nothing is demanded."""
        return {}

    def save_client(self, *what: object) -> object:
        """Forget it."""
        return what


@pytest.fixture
def bank() -> FlaskClient:
    """A server with registration."""
    app = Flask(__name__)
    server = AuthorizationServer(app, query_client=lambda _: None, save_token=lambda *_: None)
    rules = [ClientMetadataClaims, CibaClientMetadataClaims]
    server.register_endpoint(Registration(claims_classes=rules))

    @app.post("/register")
    def register() -> Any:
        return server.create_endpoint_response(Registration.ENDPOINT_NAME)

    return app.test_client()


def register(bank: FlaskClient, **metadata: Any) -> tuple[int, dict[str, Any]]:
    """Ask to be registered."""
    metadata = {"jwks": {"keys": [public_jwk(new_key())]}, "grant_types": [CIBA], **metadata}
    answer = bank.post("/register", json=metadata, base_url="https://bank.example")
    return answer.status_code, answer.get_json()


def test_what_can_be_served_is_registered(bank: FlaskClient):
    """With CIBA's members, and without what is the operator's to say."""
    status, told = register(bank, **PING, polling_interval=0, profile="ciba-core")
    assert status == 201, told
    assert told["backchannel_token_delivery_mode"] == "ping"
    assert (
        told["backchannel_client_notification_endpoint"]
        == PING["backchannel_client_notification_endpoint"]
    )
    assert told.keys().isdisjoint({"polling_interval", "profile"})


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, marks=pytest.mark.clause("ciba-4-7")),
        pytest.param(
            {"backchannel_token_delivery_mode": "ping"}, marks=pytest.mark.clause("ciba-4-9")
        ),
        pytest.param(
            {**PING, "grant_types": ["authorization_code"]}, marks=pytest.mark.clause("ciba-4-8")
        ),
        pytest.param(
            {**PING, "backchannel_client_notification_endpoint": "http://client.example/ping"},
            marks=pytest.mark.clause("ciba-4-10"),
        ),
        {**PING, "backchannel_token_delivery_mode": "push"},
        {**PING, "backchannel_authentication_request_signing_alg": "none"},
        {**PING, "backchannel_user_code_parameter": "yes"},
        {**PING, "grant_types": 7},
    ],
)
def test_what_cannot_be_served_is_refused(bank: FlaskClient, metadata: dict[str, Any]):
    """No mode, push, an endpoint without TLS, no signature, no boolean, or no grant."""
    status, told = register(bank, **metadata)
    assert (status, told["error"]) == (400, "invalid_client_metadata")


def test_other_clients_are_none_of_our_business(bank: FlaskClient):
    """Whoever has nothing to do with CIBA is registered as ever."""
    status, told = register(bank, grant_types=["authorization_code"])
    assert status == 201, told
