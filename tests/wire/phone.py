"""A phone at the level of the wire: it can send what the simulator never would."""

import base64
import contextlib
import json
import secrets
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pyotp
from joserfc import jwe
from joserfc.jwk import ECKey
from websockets.asyncio.client import ClientConnection, connect

from ciba_service.sca.messages import (
    DECISION_TYP,
    ENROLMENT_TYP,
    FACTORS_TYP,
    ORDER_FACTORS_TYP,
    ORDER_TYP,
    SESSION_TYP,
    SUBPROTOCOL,
    OrderAction,
    Verdict,
    body_hash,
    challenge_hash,
    order_pin_proof,
    pin_proof,
)
from tests.fake_clock import FakeClock
from tests.wire.device_frames import hold_answers, hold_frame
from tests.wire.signing import claims_of, sign


@dataclass
class WirePhone:
    """An enrolled phone; ``pin_key`` is what a right PIN would give."""

    http: httpx2.AsyncClient
    issuer: str
    clock: FakeClock
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    encryption_key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", private=True))
    device_id: str = ""
    pin_key: bytes = b""
    totp_secret: str = ""
    service_keys: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    def enrolment(self, activation_code: str, **changed: Any) -> str:
        """An enrolment JWS; a claim set to None is left out."""
        claims = {
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": self.clock.now(),
            "activation_code": activation_code,
            "name": "Alice's phone",
            "encryption_key": _public(self.encryption_key),
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "typ": ENROLMENT_TYP, "jwk": _public(self.key)}
        return sign(header, present, self.key)

    async def send_enrolment(self, enrolment: str) -> httpx2.Response:
        """Send an enrolment JWS."""
        return await self.http.post("/device/enrolments", json={"enrolment": enrolment})

    async def enrol(self, activation_code: str, **changed: Any) -> "WirePhone":
        """Enrol and keep what the service answered."""
        answer = await self.send_enrolment(self.enrolment(activation_code, **changed))
        assert answer.status_code == 201, answer.text
        self.learn(answer.json())
        return self

    def learn(self, answer: dict[str, Any]) -> None:
        """Take over the answer to an enrolment."""
        opened = jwe.decrypt_compact(
            answer["secrets"], self.encryption_key, algorithms=["ECDH-ES", "A256GCM"]
        )
        shared = json.loads(opened.plaintext or b"")
        self.device_id = answer["device_id"]
        self.pin_key = base64.urlsafe_b64decode(shared["pin_key"] + "=")
        self.totp_secret = shared["totp"]["secret"]
        self.service_keys = answer["keys"]

    def otp(self, drift: int = 0) -> str:
        """The one-time code of now, or of some steps beside it."""
        return pyotp.TOTP(self.totp_secret).generate_otp(self.clock.now() // 30 + drift)

    def proof(self, nonce: str, **changed: Any) -> str:
        """A session JWS; a claim set to None is left out."""
        claims = {
            "iss": self.device_id,
            "aud": self.issuer,
            "nonce": nonce,
            "jti": secrets.token_urlsafe(16),
            "iat": self.clock.now(),
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "typ": SESSION_TYP, "kid": self.device_id}
        return sign(header, present, self.key)

    def factors(self, jti: str, *, factors_typ: str = FACTORS_TYP, **proofs: Any) -> str:
        """A factors JWE."""
        plaintext = json.dumps({"jti": jti, **proofs}).encode()
        recipient = ECKey.import_key(self.service_keys["encryption"])
        header = {
            "alg": "ECDH-ES",
            "enc": "A256GCM",
            "typ": factors_typ,
            "kid": self.service_keys["encryption"]["kid"],
        }
        return jwe.encrypt_compact(header, plaintext, recipient, algorithms=["ECDH-ES", "A256GCM"])

    def approval(
        self,
        challenge: str,
        *,
        pin: bool = True,
        otp: str | None = None,
        verification_code: str | None = None,
        **changed: Any,
    ) -> str:
        """A decision JWS that approves; ``pin`` False is a wrong PIN."""
        jti = secrets.token_urlsafe(16)
        proof = pin_proof(
            self.pin_key if pin else secrets.token_bytes(32),
            device_id=self.device_id,
            challenge_hash=challenge_hash(challenge),
            verdict=Verdict.APPROVE,
            jti=jti,
        )
        proofs = {"pin_proof": proof, "otp": otp, "verification_code": verification_code}
        given = {name: value for name, value in proofs.items() if value is not None}
        return self.decision(
            challenge, jti=jti, verdict="approve", factors=self.factors(jti, **given), **changed
        )

    def denial(self, challenge: str, reason: str = "declined", **changed: Any) -> str:
        """A decision JWS that denies."""
        return self.decision(challenge, verdict="deny", reason=reason, **changed)

    def decision(self, challenge: str, *, typ: str = DECISION_TYP, **changed: Any) -> str:
        """A decision JWS; a claim set to None is left out."""
        claims = {
            "iss": self.device_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": self.clock.now(),
            "transaction_id": claims_of(challenge)["transaction_id"],
            "challenge_hash": challenge_hash(challenge),
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign({"alg": "ES256", "typ": typ, "kid": self.device_id}, present, self.key)

    async def order(
        self,
        action: str = "revoke_device",
        *,
        pin: bool = True,
        typ: str = ORDER_TYP,
        pin_key: str | None = None,
        passkey: dict[str, Any] | None = None,
        factors_jti: str | None = None,
        **changed: Any,
    ) -> str:
        """An order JWS; ``pin`` False is a wrong PIN, a claim set to None is left out."""
        jti = secrets.token_urlsafe(16)
        nonce = changed.pop("nonce", None) or await self.nonce()
        proof = order_pin_proof(
            self.pin_key if pin else secrets.token_bytes(32),
            device_id=self.device_id,
            nonce=nonce,
            action=OrderAction(action),
            target=changed.get("device_id"),
            jti=jti,
        )
        given = {"pin_proof": proof, "pin_key": pin_key, "passkey": passkey}
        proofs = {name: value for name, value in given.items() if value is not None}
        claims = {
            "iss": self.device_id,
            "aud": self.issuer,
            "jti": jti,
            "iat": self.clock.now(),
            "nonce": nonce,
            "action": action,
            "factors": self.factors(factors_jti or jti, factors_typ=ORDER_FACTORS_TYP, **proofs),
            **changed,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return sign({"alg": "ES256", "typ": typ, "kid": self.device_id}, present, self.key)

    async def give_order(self, order: str) -> dict[str, Any]:
        """Hand in an order over HTTP and return the outcome."""
        answer = await self.send({"type": "order", "order": order})
        assert answer.status_code == 200, answer.text
        (outcome,) = answer.json()["messages"]
        return dict(outcome)

    async def nonce(self) -> str:
        """A fresh nonce over HTTP."""
        return str((await self.http.get("/device/nonce")).json()["nonce"])

    async def send(self, message: dict[str, Any], **claims: Any) -> httpx2.Response:
        """Send one message over HTTP with a proof over it."""
        body = json.dumps(message).encode()
        proof = self.proof(await self.nonce(), **{"body_hash": body_hash(body), **claims})
        headers = {"content-type": "application/json", "authorization": f"Device {proof}"}
        answer = await self.http.post("/device/messages", content=body, headers=headers)
        if answer.status_code == 200:
            hold_answers(message, answer.json()["messages"])
        return answer

    async def fetch(self) -> list[str]:
        """The open challenges."""
        messages = (await self.send({"type": "fetch"})).json()["messages"]
        return [message["challenge"] for message in messages if message["type"] == "challenge"]

    async def decide(self, decision: str) -> dict[str, Any]:
        """Hand in a decision over HTTP and return the outcome."""
        answer = await self.send({"type": "decide", "decision": decision})
        assert answer.status_code == 200, answer.text
        (outcome,) = answer.json()["messages"]
        return dict(outcome)

    async def handle(self) -> str:
        """A login handle, asked for over HTTP."""
        (made,) = (await self.send({"type": "make_handle"})).json()["messages"]
        assert made["type"] == "handle_made", made
        return str(made["handle"])

    async def approve_next(self, **options: Any) -> dict[str, Any]:
        """Approve the one open challenge."""
        (challenge,) = await self.fetch()
        return await self.decide(self.approval(challenge, **options))

    @contextlib.asynccontextmanager
    async def raw_socket(self, **options: Any) -> AsyncIterator[ClientConnection]:
        """A socket before ``hello`` was read."""
        url = "ws" + self.issuer.removeprefix("http") + "/device/ws"
        options |= {"subprotocols": [SUBPROTOCOL], "compression": None, "ssl": self.tls}
        async with connect(url, **options) as socket:
            yield socket

    @contextlib.asynccontextmanager
    async def online(self) -> AsyncIterator["WireSocket"]:
        """A socket that is welcome and has got what was open, in ``first``."""
        async with self.raw_socket() as raw:
            socket = WireSocket(raw)
            hello = await socket.next("hello")
            await socket.send({"type": "authenticate", "proof": self.proof(hello["nonce"])})
            await socket.next("welcome")
            while (message := await socket.receive())["type"] != "fetched":
                socket.first.append(message)
            yield socket


@dataclass
class WireSocket:
    """JSON frames on a WebSocket."""

    raw: ClientConnection
    first: list[dict[str, Any]] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        """The next frame."""
        frame = dict(json.loads(await self.raw.recv()))
        hold_frame(frame)
        return frame

    async def next(self, type_: str) -> dict[str, Any]:
        """The next frame of a type; others are passed over."""
        while (message := await self.receive())["type"] != type_:
            pass
        return message

    async def send(self, message: dict[str, Any]) -> None:
        """Send a frame."""
        await self.raw.send(json.dumps(message))

    async def decide(self, decision: str) -> dict[str, Any]:
        """Hand in a decision and return the outcome."""
        await self.send({"type": "decide", "decision": decision})
        while (message := await self.receive())["type"] not in {"accepted", "refused"}:
            pass
        return message


def _public(key: ECKey) -> dict[str, str]:
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in ("kty", "crv", "x", "y")}
