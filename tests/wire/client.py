"""A client at the level of the wire: it can send what a well-behaved SDK never would."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.fake_clock import FakeClock
from tests.wire.signing import JoseKey, new_key, public_jwk, sign

CIBA = "urn:openid:params:grant-type:ciba"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class WireClient:
    """A registered client with its key; every object it signs can be bent."""

    client_id: str
    alg: str = "ES256"
    key: JoseKey = field(default_factory=new_key)
    metadata: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    clock: FakeClock | None = None
    http: httpx2.AsyncClient | None = None

    def registration(self) -> dict[str, Any]:
        """Its metadata, as the configuration has it; a member set to None is left out."""
        members = {
            "client_id": self.client_id,
            "client_name": f"Shop {self.client_id}",
            "profile": "ciba-core",
            "grant_types": [CIBA],
            "backchannel_token_delivery_mode": "poll",
            "token_endpoint_auth_signing_alg": self.alg,
            "backchannel_authentication_request_signing_alg": self.alg,
            "scope": "openid profile",
            "authorization_details_types": ["payment_initiation"],
            "jwks": {"keys": [public_jwk(self.key)]},
            **self.metadata,
        }
        return {name: value for name, value in members.items() if value is not None}

    def now(self) -> int:
        """The time, as this client has it."""
        assert self.clock is not None
        return self.clock.now()

    def header(self, **changed: Any) -> dict[str, Any]:
        """A JOSE header; None drops a member."""
        header = {"alg": self.alg, "kid": self.key.kid, **changed}
        return {name: value for name, value in header.items() if value is not None}

    def assertion(
        self, *, header: Mapping[str, Any] = {}, key: JoseKey | None = None, **changed: Any
    ) -> str:
        """A client assertion; a claim set to None is left out."""
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": self.now(),
            "exp": self.now() + 60,
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign(self.header(**header), present, key or self.key)

    def credentials(self, **changed: Any) -> dict[str, str]:
        """The form parameters that authenticate this client."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(**changed),
        }

    def request_object(
        self, *, header: Mapping[str, Any] = {}, key: JoseKey | None = None, **changed: Any
    ) -> str:
        """A signed authentication request; a claim set to None is left out."""
        claims = {
            "iss": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": self.now(),
            "nbf": self.now(),
            "exp": self.now() + 300,
            "scope": "openid",
            "login_hint": "alice",
            "binding_message": "W4SCT",
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign(self.header(**header), present, key or self.key)

    async def post(self, path: str, form: Mapping[str, str], **options: Any) -> httpx2.Response:
        """Send a form."""
        assert self.http is not None
        return await self.http.post(path, data=dict(form), **options)

    async def start(self, **claims: Any) -> httpx2.Response:
        """A well-formed signed request, but for ``claims``."""
        form = {**self.credentials(), "request": self.request_object(**claims)}
        return await self.post("/bc-authorize", form)

    async def started(self, **claims: Any) -> str:
        """Start and return the ``auth_req_id``."""
        answer = await self.start(**claims)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["auth_req_id"])

    async def poll(self, auth_req_id: str, **changed: str) -> httpx2.Response:
        """A well-formed token request, but for ``changed``."""
        form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **self.credentials(), **changed}
        return await self.post("/token", form)

    async def cancel(self, auth_req_id: str, **changed: str) -> httpx2.Response:
        """A well-formed cancellation, but for ``changed``."""
        form = {"auth_req_id": auth_req_id, **self.credentials(), **changed}
        return await self.post("/bc-authorize/cancel", form)
