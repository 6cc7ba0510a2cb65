"""The bank's endpoints, and the application that has them."""

from collections.abc import Callable
from typing import cast

from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2 import OAuth2Error
from flask import Blueprint, Flask, Response, jsonify
from flask.typing import ResponseReturnValue as Answer

from ciba_service.embedding import EmbeddedService, HasPhone
from ciba_service.integrations.authlib import (
    BackchannelAuthenticationEndpoint,
    CancellationEndpoint,
    Portal,
)
from examples.authlib_flask.authorization_server import (
    AUTH_METHODS,
    CIBA,
    create_authorization_server,
    the_bank,
)
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.customers import CUSTOMERS
from examples.authlib_flask.tokens import SavedToken, SavedTokens

__all__ = ["create_bank"]

views = Blueprint("bank", __name__)


def _find(access_token: str) -> SavedToken | None:
    return the_bank().tokens.find(access_token)


protected = ResourceProtector()
protected.register_token_validator(SavedTokens(_find))


def create_bank(
    ciba: Portal[EmbeddedService],
    clients: ClientTable,
    issuer: str,
    *,
    now: Callable[[], int] | None = None,
) -> Flask:
    """The bank's application; the service behind ``ciba`` begins with the first call."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 131_072
    app.register_error_handler(OAuth2Error, refuse)
    create_authorization_server(app, ciba, clients, issuer, now)
    app.register_blueprint(views)
    return app


def refuse(error: OAuth2Error) -> Answer:
    """What Authlib refuses before it looks at a request: one that did not come over TLS, say."""
    status, body, headers = error()
    return jsonify(dict(body)), status, headers


@views.post("/bc-authorize")
def ask() -> Answer:
    """A client asks for a decision."""
    name = BackchannelAuthenticationEndpoint.ENDPOINT_NAME
    answer: Answer = the_bank().server.create_endpoint_response(name)
    return answer


@views.post("/bc-authorize/cancel")
def cancel() -> Answer:
    """A client takes its request back."""
    name = CancellationEndpoint.ENDPOINT_NAME
    answer: Answer = the_bank().server.create_endpoint_response(name)
    return answer


@views.post("/token")
def collect() -> Answer:
    """A client asks for its tokens."""
    answer: Answer = the_bank().server.create_token_response()
    return answer


@views.get("/userinfo")
@protected("openid")  # type: ignore[untyped-decorator] # Authlib's
def userinfo() -> Response:
    """Whoever has an access token learns whose it is."""
    token = cast("SavedToken", current_token)
    customer = CUSTOMERS[token.grant.subject]
    return jsonify(sub=customer.number, name=customer.name, email=customer.email)


@views.post("/customers/<number>/phones")
def add_phone(number: str) -> tuple[Response, int]:
    """The bank knows who is at its counter, or has logged in; this example believes the path."""
    if number not in CUSTOMERS:
        return jsonify(error="there is no such customer"), 404
    try:
        issued = the_bank().ciba.call(lambda service: service.people.activate(number))
    except HasPhone:
        return jsonify(error="there is a phone already"), 409
    return jsonify(activation_code=issued.code), 200


@views.get("/jwks")
def keys() -> Response:
    """What clients verify ID tokens with."""
    return jsonify(the_bank().tokens.jwks())


@views.get("/.well-known/openid-configuration")
def metadata() -> Response:
    """What clients read first (CIBA 4)."""
    issuer = the_bank().issuer
    return jsonify(
        issuer=issuer,
        jwks_uri=f"{issuer}/jwks",
        token_endpoint=f"{issuer}/token",
        userinfo_endpoint=f"{issuer}/userinfo",
        backchannel_authentication_endpoint=f"{issuer}/bc-authorize",
        backchannel_token_delivery_modes_supported=["poll", "ping"],
        backchannel_authentication_request_signing_alg_values_supported=["ES256", "PS256"],
        backchannel_user_code_parameter_supported=True,
        grant_types_supported=[CIBA],
        response_types_supported=[],
        scopes_supported=["openid", "accounts"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["ES256"],
        token_endpoint_auth_methods_supported=AUTH_METHODS,
        token_endpoint_auth_signing_alg_values_supported=["ES256", "PS256"],
        claims_supported=["sub", "acr", "amr", "auth_time"],
    )
