"""A bank's authorization server, built with Flask and Authlib, to which CIBA is added.

Clients, customers and tokens are the bank's. What is added: one grant, two endpoints, and
``private_key_jwt`` as the service verifies it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from flask import Flask, current_app

from ciba_service.embedding import EmbeddedService
from ciba_service.integrations.authlib import (
    BackchannelAuthenticationEndpoint,
    CancellationEndpoint,
    CibaGrant,
    ClientAssertions,
    Grant,
    Portal,
)
from examples.authlib_flask.clients import ClientTable
from examples.authlib_flask.customers import CUSTOMERS, Customer
from examples.authlib_flask.tokens import TokenTable

__all__ = ["AUTH_METHODS", "CIBA", "Bank", "create_authorization_server", "the_bank"]

CIBA = CibaGrant.GRANT_TYPE
AUTH_METHODS = (ClientAssertions.METHOD, "client_secret_basic")


@dataclass(frozen=True)
class Bank:
    """What the views use; ``ciba`` is the way to the service."""

    issuer: str
    ciba: Portal[EmbeddedService]
    server: Any  # Authlib's own views have no types
    tokens: TokenTable


def the_bank() -> Bank:
    """That of the request at hand."""
    bank: Bank = current_app.extensions["bank"]
    return bank


class BankGrant(CibaGrant):
    """The CIBA grant with the bank's customers and tokens."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def find_user(self, grant: Grant) -> Customer | None:
        """Authlib gives the customer to the bank's token generator."""
        return CUSTOMERS.get(grant.subject)

    def token_members(self, grant: Grant, token: dict[str, Any]) -> dict[str, Any]:
        """The answer has an ID token, too."""
        return {"id_token": the_bank().tokens.id_token(grant, token["access_token"])}

    def discard_token(self, token: dict[str, Any]) -> None:
        """Somebody else collected the grant first."""
        the_bank().tokens.discard(token)


def create_authorization_server(
    app: Flask,
    ciba: Portal[EmbeddedService],
    clients: ClientTable,
    issuer: str,
    now: Callable[[], int] | None = None,
) -> None:
    """What a bank has already, and the five lines that add CIBA."""
    tokens = TokenTable(issuer, now or _seconds)
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {CIBA: 300}
    server = AuthorizationServer(app, query_client=clients.find, save_token=tokens.save)
    app.extensions["bank"] = Bank(issuer, ciba, server, tokens)

    server.register_client_auth_method(ClientAssertions.METHOD, ClientAssertions(ciba))
    server.register_grant(BankGrant.through(ciba))
    server.register_endpoint(BackchannelAuthenticationEndpoint(ciba, auth_methods=AUTH_METHODS))
    server.register_endpoint(CancellationEndpoint(ciba, auth_methods=AUTH_METHODS))


def _seconds() -> int:
    return time.time_ns() // 1_000_000_000
