"""The clients: what they sign and send, and what each answer is called in the history."""

import secrets
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from benchmarks.soak.history import Answered, History, Kind, Lost, token_name
from benchmarks.soak.plan import Plan
from benchmarks.soak.wire import Answer, Door, NoAnswer
from benchmarks.speed.signing import Es256Key, base64url
from ciba_service.sca.messages import transaction_id

__all__ = ["Client", "Tokens"]

CIBA: Final = "urn:openid:params:grant-type:ciba"
ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OK, _NO_CONTENT, _REFUSED, _UNAVAILABLE, _BROKEN = 200, 204, 400, 503, 500
_SKEW: Final = 20
"""Seconds by which clients set their objects' times back: clocks of the service may be wrong."""
_CHALLENGED: Final = 401


@dataclass(frozen=True, slots=True)
class Tokens:
    """What arrived; ``name`` is what the history calls it."""

    access_token: str
    name: str


class Client:
    """A registered client and its key; everything it sees it writes down."""

    def __init__(self, client_id: str, key: Es256Key, issuer: str, history: History) -> None:
        self.client_id = client_id
        self.notification_token = base64url(secrets.token_bytes(24))
        self._key = key
        self._issuer = issuer
        self._history = history
        self._header = key.header(kid=key.kid)

    def request(self, plan: Plan, user: str) -> bytes:
        """The form of an authentication request."""
        now = time.time_ns() // 1_000_000_000
        claims = {
            "iss": self.client_id,
            "aud": self._issuer,
            "jti": base64url(secrets.token_bytes(16)),
            "iat": now - _SKEW,
            "nbf": now - _SKEW,
            "exp": now + 240,
            "scope": "openid",
            "login_hint": user,
            "binding_message": plan.binding_message,
            "requested_expiry": plan.expiry,
        }
        if plan.mode != "poll":
            claims["client_notification_token"] = self.notification_token
        signed = self._key.sign(self._header, claims)
        return self._form({"request": signed})

    async def start(self, process: int, door: Door, plan: Plan, user: str) -> str | None:
        """Ask; the ``auth_req_id`` where there is one. Raises ``NotSent``."""
        body, since = self.request(plan, user), time.monotonic()
        note = self._history.note
        if plan.client.vanishes_at_start:
            await door.send_and_leave("POST", "/bc-authorize", body, plan.thinks / 20)
            note(plan.number, Kind.START_LOST, Lost.VANISHED, since=since, process=process)
            return None
        answer = await self._sent(
            process, door, "/bc-authorize", body, flow=plan.number, lost=Kind.START_LOST
        )
        if answer is None:
            return None
        if answer.status == _OK:
            name = answer.text("auth_req_id")
            about = transaction_id(name)
            note(plan.number, Kind.STARTED, since=since, process=process, detail=about)
            return name
        error = answer.text("error")
        note(plan.number, Kind.START_REFUSED, error, since=since, process=process)
        return None

    async def ask(
        self, process: int, door: Door, flow: int, auth_req_id: str, *, wait: int = 0
    ) -> Tokens | str | None:
        """Poll: tokens, an error, or nothing where there was no answer. Raises ``NotSent``."""
        since = time.monotonic()
        headers = f"prefer: wait={wait}\r\n" if wait else ""
        answer = await self._sent(
            process,
            door,
            "/token",
            self._poll(auth_req_id),
            flow=flow,
            lost=Kind.ASK_LOST,
            headers=headers,
        )
        if answer is None:
            return None
        note = self._history.note
        if answer.status == _OK:
            tokens = answer.text("access_token")
            name = token_name(tokens, answer.text("id_token"))
            note(flow, Kind.ANSWERED, Answered.TOKENS, since=since, process=process, detail=name)
            return Tokens(tokens, name)
        error = answer.text("error")
        if error not in set(Answered):
            note(flow, Kind.ODD, f"{answer.status} {error}", since=since, process=process)
        else:
            note(flow, Kind.ANSWERED, error, since=since, process=process)
        return error

    async def ask_and_leave(self, process: int, door: Door, flow: int, auth_req_id: str) -> None:
        """Poll, and be gone; raises ``NotSent``."""
        since = time.monotonic()
        await door.send_and_leave("POST", "/token", self._poll(auth_req_id), 0.002)
        self._history.note(flow, Kind.ASK_LOST, Lost.VANISHED, since=since, process=process)

    async def cancel(self, process: int, door: Door, flow: int, auth_req_id: str) -> bool:
        """Whether an answer came; raises ``NotSent``."""
        since = time.monotonic()
        form = self._form({"auth_req_id": auth_req_id})
        answer = await self._sent(
            process, door, "/bc-authorize/cancel", form, flow=flow, lost=Kind.CANCEL_LOST
        )
        if answer is None:
            return False
        if answer.status == _NO_CONTENT:
            self._history.note(flow, Kind.CANCELLED, since=since, process=process)
        else:
            error = answer.text("error")
            self._history.note(flow, Kind.CANCEL_REFUSED, error, since=since, process=process)
        return True

    async def use(self, process: int, door: Door, flow: int, tokens: Tokens) -> None:
        """Show an access token at userinfo; raises ``NotSent``."""
        since = time.monotonic()
        headers = f"authorization: Bearer {tokens.access_token}\r\n"
        try:
            answer = await door.send("GET", "/userinfo", headers=headers)
        except NoAnswer:
            return  # It changes nothing, and says nothing.
        if answer.status != _UNAVAILABLE:
            self._history.note(
                flow,
                Kind.USED,
                str(answer.status),
                since=since,
                process=process,
                detail=tokens.name,
            )

    def _poll(self, auth_req_id: str) -> bytes:
        return self._form({"grant_type": CIBA, "auth_req_id": auth_req_id})

    def _form(self, parameters: dict[str, str]) -> bytes:
        now = time.time_ns() // 1_000_000_000
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self._issuer,
            "jti": base64url(secrets.token_bytes(16)),
            "iat": now - _SKEW,
            "exp": now + 100,
        }
        assertion = self._key.sign(self._header, claims)
        credentials = {"client_assertion_type": ASSERTION, "client_assertion": assertion}
        return urlencode(parameters | credentials).encode("ascii")

    async def _sent(
        self,
        process: int,
        door: Door,
        path: str,
        body: bytes,
        *,
        flow: int,
        lost: Kind,
        headers: str = "",
    ) -> Answer | None:
        """The answer, unless there is none worth having; raises ``NotSent``."""
        since = time.monotonic()
        try:
            answer = await door.send("POST", path, body, headers=headers)
        except NoAnswer as nothing:
            why = Lost.LATE if nothing.is_late else Lost.CONNECTION
            self._history.note(flow, lost, why, since=since, process=process)
            return None
        if answer.status == _UNAVAILABLE:
            self._history.note(flow, lost, Lost.UNAVAILABLE, since=since, process=process)
            return None
        if answer.status in {_BROKEN, _CHALLENGED}:
            odd = f"{answer.status} {answer.text('error')}"
            self._history.note(flow, Kind.ODD, odd, since=since, process=process)
            return None
        return answer
