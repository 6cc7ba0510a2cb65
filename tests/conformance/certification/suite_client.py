"""A client as the certification tests are one: what they send, to the letter.

Written from the description of those tests, with none of the project's client code.
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx2
from cryptography import x509

from tests.fake_clock import FakeClock
from tests.wire.signing import JoseKey, sign

CIBA_GRANT = "urn:openid:params:grant-type:ciba"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
POLL, PING = "poll", "ping"
LONGEST_TOKEN = 1024
_ALPHANUMERIC = string.ascii_letters + string.digits


class Method(StrEnum):
    """How the clients of a plan authenticate."""

    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"

    @property
    def is_mtls(self) -> bool:
        """Whether the certificate is the authentication."""
        return self is not Method.PRIVATE_KEY_JWT


@dataclass(frozen=True)
class Variant:
    """What a plan is run for."""

    method: Method
    mode: str = POLL
    is_dynamic: bool = False

    def __str__(self) -> str:
        return f"{self.method}-{self.mode}-{'dynamic' if self.is_dynamic else 'static'}"


@dataclass(frozen=True)
class Certified:
    """A certificate, and the file with it and its key."""

    certificate: x509.Certificate = field(repr=False)
    file: Path


def new_jti() -> str:
    """Twenty letters and digits."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(20))


def new_notification_token(length: int) -> str:
    """A bearer token of every character that one may have (RFC 6750 2.1)."""
    special = "-._~+/"
    letters = "".join(secrets.choice(_ALPHANUMERIC + special) for _ in range(length - 8))
    return letters + special + "=="


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """All members but those that are None."""
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class SuiteClient:
    """One of the two clients of a plan.

    ``assertion_audience`` names the metadata member that assertions at the backchannel endpoint
    are for; ``request_typ`` is the ``typ`` of its signed requests, usually absent;
    ``resource_headers`` are sent to the resource beside the token; ``notification_token`` is what
    pings to it must bear.
    """

    client_id: str
    variant: Variant
    alg: str
    key: JoseKey
    identity: Certified
    members: Mapping[str, Any]
    scope: str = "openid accounts"
    hint: Mapping[str, Any] = field(default_factory=lambda: {"login_hint": "alice"})
    assertion_audience: str = "backchannel_authentication_endpoint"
    request_typ: str | None = None
    notification_token: str = field(default_factory=lambda: new_notification_token(20))
    resource: str = ""
    resource_headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    http: httpx2.AsyncClient = field(init=False)

    @property
    def is_pinged(self) -> bool:
        """Whether it waits to be told."""
        return self.variant.mode == PING

    def registration(self) -> dict[str, Any]:
        """What is known of it before the plan begins."""
        return dict(self.members)

    def endpoint(self, name: str) -> str:
        """Where to call: the alias where there is one, but see ``backchannel``."""
        aliases = self.metadata.get("mtls_endpoint_aliases", {})
        return str(aliases.get(name) or self.metadata[name])

    @property
    def backchannel(self) -> str:
        """The alias counts for clients that authenticate by certificate alone."""
        name = "backchannel_authentication_endpoint"
        return self.endpoint(name) if self.variant.method.is_mtls else str(self.metadata[name])

    def request_claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a signed request; one set to None is left out."""
        now = self.clock.now()
        claims = {
            "scope": self.scope,
            **self.hint,
            "binding_message": "1234",
            "client_notification_token": self.notification_token if self.is_pinged else None,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": new_jti(),
            "aud": self.metadata["issuer"],
            "iss": self.client_id,
        }
        return present({**claims, **changed})

    def signed(
        self, claims: Mapping[str, Any], *, key: JoseKey | None = None, alg: str | None = None
    ) -> str:
        """A signed request."""
        signing_key = key or self.key
        header = {
            "alg": alg or signing_key.get("alg"),
            "kid": signing_key.kid,
            "typ": self.request_typ,
        }
        return sign(present(header), claims, signing_key)

    def assertion(
        self, audience: str, *, key: JoseKey | None = None, alg: str | None = None
    ) -> str:
        """A client assertion: ``kid`` in the header and no ``typ``."""
        now = self.clock.now()
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "jti": new_jti(),
            "iat": now,
            "nbf": now,
            "exp": now + 60,
        }
        signing_key = key or self.key
        return sign({"alg": alg or self.alg, "kid": signing_key.kid}, claims, signing_key)

    def credentials(
        self, audience: str, *, key: JoseKey | None = None, alg: str | None = None
    ) -> dict[str, str]:
        """The form parameters of client authentication; no client_id beside an assertion."""
        if self.variant.method.is_mtls:
            return {"client_id": self.client_id}
        return {
            "client_assertion": self.assertion(audience, key=key, alg=alg),
            "client_assertion_type": ASSERTION_TYPE,
        }

    async def post(self, url: str, form: Mapping[str, str]) -> httpx2.Response:
        """Send a form; the certificate is shown wherever one is asked for."""
        headers = {"Accept": "application/json"}
        return await self.http.post(url, data=dict(form), headers=headers)

    async def send_request(self, request: str, **form: str) -> httpx2.Response:
        """An authentication request: client authentication, ``request`` and nothing else."""
        audience = str(self.metadata[self.assertion_audience])
        sent = {**self.credentials(audience), "request": request, **form}
        return await self.post(self.backchannel, sent)

    async def ask(self, **claims: Any) -> httpx2.Response:
        """An authentication request that is right but for ``claims``."""
        return await self.send_request(self.signed(self.request_claims(**claims)))

    async def token_request(
        self, form: Mapping[str, str], credentials: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """A token request; assertions for it name the address that is called."""
        url = self.endpoint("token_endpoint")
        proof = self.credentials(url) if credentials is None else credentials
        return await self.post(url, {**form, **proof})

    async def poll(
        self, auth_req_id: str, credentials: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """A token request of the CIBA grant."""
        form = {"grant_type": CIBA_GRANT, "auth_req_id": auth_req_id}
        return await self.token_request(form, credentials)

    async def refresh(self, refresh_token: str, **form: str) -> httpx2.Response:
        """A token request of the refresh grant."""
        sent = {"grant_type": "refresh_token", "refresh_token": refresh_token, **form}
        return await self.token_request(sent)

    async def call_resource(self, tokens: Mapping[str, Any], **headers: str) -> httpx2.Response:
        """A call with the access token, whose type is the scheme."""
        sent = {
            "Authorization": f"{tokens['token_type']} {tokens['access_token']}",
            "Accept": "application/json",
            **self.resource_headers,
            **headers,
        }
        return await self.http.get(self.resource, headers=sent)
