"""A client of the provider that says whatever a check wants said."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import httpx2

from ciba_client.conformance.answer import Answer
from ciba_client.conformance.parties.signer import UNCHANGED, Bent, Changes, Claims, truthful
from ciba_client.conformance.parties.wire import Wire
from ciba_client.conformance.plan import PlannedClient
from ciba_client.conformance.plan_file import RequestSection
from ciba_client.conformance.provider import BACKCHANNEL, TOKEN, Provider
from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.nonces import DpopNonces

__all__ = ["ASSERTION_TYPE", "CIBA_GRANT", "Form", "MadeForm", "Pairs", "ScriptedClient", "present"]

CIBA_GRANT: Final = "urn:openid:params:grant-type:ciba"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM: Final = "application/x-www-form-urlencoded"
_ASSERTION_SECONDS: Final = 60
_REQUEST_SECONDS: Final = 300
_JTI_BYTES: Final = 16
_TOKEN_BYTES: Final = 32

Form = Mapping[str, str]
Pairs = Sequence[tuple[str, str]]
MadeForm = Callable[[], Form]
MadePairs = Callable[[], Pairs]


def present(members: Mapping[str, object]) -> Claims:
    """All members but those that are None."""
    return {name: value for name, value in members.items() if value is not None}


def _new_notification_token() -> str:
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(kw_only=True)
class ScriptedClient:
    """One of the clients of the plan; everything it sends can be bent.

    ``http`` shows its certificate, if it has one; ``notification_token`` is what notifications
    about its next request must bear.
    """

    planned: PlannedClient
    asked: RequestSection
    mode: TokenDeliveryMode
    provider: Provider
    wire: Wire
    http: httpx2.AsyncClient
    clock: Clock
    nonces: DpopNonces
    notification_token: str = field(default_factory=_new_notification_token, repr=False)

    @property
    def client_id(self) -> str:
        """As registered."""
        return self.planned.client_id

    def endpoint(self, name: str) -> str:
        """Where this client calls."""
        mutual_tls = self.planned.certificate is not None
        return self.provider.endpoint(name, mutual_tls=mutual_tls)

    def now(self) -> int:
        """Seconds since the epoch."""
        return int(self.clock.now())

    def renew_notification_token(self) -> None:
        """Have another one for the next request."""
        self.notification_token = _new_notification_token()

    # -- what it proves itself by

    def assertion(self, changed: Changes = UNCHANGED, *, sign: Bent = truthful) -> str:
        """A client assertion (RFC 7523 3)."""
        now = self.now()
        claims: Claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.provider.issuer,
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        return sign(self.planned.key, present({**claims, **changed}))

    def credentials(self, changed: Changes = UNCHANGED, *, sign: Bent = truthful) -> dict[str, str]:
        """The form parameters of client authentication."""
        if self.planned.by_certificate:
            return {"client_id": self.client_id}
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(changed, sign=sign),
        }

    # -- authentication requests

    def parameters(self, changed: Changes = UNCHANGED) -> Claims:
        """The parameters of an authentication request (CIBA 7.1)."""
        asked = self.asked
        notified = self.mode is not TokenDeliveryMode.POLL
        members = {
            "scope": asked.scope,
            "login_hint": asked.login_hint,
            "login_hint_token": asked.login_hint_token,
            "id_token_hint": asked.id_token_hint,
            "binding_message": asked.binding_message,
            "user_code": asked.user_code,
            "client_notification_token": self.notification_token if notified else None,
        }
        return present({**members, **changed})

    def request_object(self, changed: Changes = UNCHANGED, *, sign: Bent = truthful) -> str:
        """A signed request (CIBA 7.1.1)."""
        now = self.now()
        claims = {
            "iss": self.client_id,
            "aud": self.provider.issuer,
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            "iat": now,
            "nbf": now,
            "exp": now + _REQUEST_SECONDS,
            **self.parameters(),
        }
        return sign(self.planned.key, present({**claims, **changed}))

    def request_form(
        self, changed: Changes = UNCHANGED, *, sign: Bent = truthful
    ) -> dict[str, str]:
        """The same as form parameters: signed, or each for itself, as the client is registered."""
        if self.planned.sign_requests:
            return {"request": self.request_object(changed, sign=sign)}
        return {name: str(value) for name, value in self.parameters(changed).items()}

    async def ask(self, changed: Changes = UNCHANGED, *, sign: Bent = truthful) -> Answer:
        """An authentication request that is right but for what is changed."""
        return await self.send_request(
            {**self.credentials(), **self.request_form(changed, sign=sign)}
        )

    async def send_request(self, form: Form | Pairs) -> Answer:
        """A form, as it is, to the backchannel endpoint."""
        return await self.post(self.endpoint(BACKCHANNEL), form)

    # -- token requests

    async def poll(self, auth_req_id: str, *, credentials: MadeForm | None = None) -> Answer:
        """A token request of the CIBA grant."""
        prove = credentials or self.credentials
        grant = {"grant_type": CIBA_GRANT, "auth_req_id": auth_req_id}
        return await self.send_token_request(lambda: {**grant, **prove()})

    async def send_token_request(self, make: MadeForm | MadePairs) -> Answer:
        """A form to the token endpoint, with a proof where tokens are bound to a key.

        It is made, and sent, once more when the provider wants a nonce in the proof (RFC 9449 8).
        """
        url = self.endpoint(TOKEN)
        answer = await self.post(url, make(), self.proof(url))
        self.remember_nonce(url, answer)
        if answer.error_code() != "use_dpop_nonce":
            return answer
        return await self.post(url, make(), self.proof(url))

    async def post(
        self, url: str, form: Form | Pairs, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a form."""
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        return await self.send(
            "POST", url, headers={"Content-Type": FORM, **(headers or {})}, body=_encoded(pairs)
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send anything."""
        return await self.wire.send(self.http, method, url, headers=headers, body=body)

    def proof(self, url: str, *, method: str = "POST") -> dict[str, str]:
        """The header of a client whose tokens are bound to a key (RFC 9449 4)."""
        if self.planned.dpop_key is None:
            return {}
        nonce = self.nonces.find(url)
        now = self.clock.now()
        return {"DPoP": self.planned.dpop_key.proof(method=method, url=url, now=now, nonce=nonce)}

    def remember_nonce(self, url: str, answer: Answer) -> None:
        """Take the nonce for the next proof (RFC 9449 8.2)."""
        nonce = answer.header("dpop-nonce")
        self.nonces.remember(url, [] if nonce is None else [nonce])


def _encoded(pairs: Pairs) -> bytes:
    return urlencode(pairs).encode()
