"""A service the tests write the lines for: it speaks the device protocol with real cryptography.

It shares nothing with the phone but the message types: signatures are verified, the factors are
decrypted and the PIN proof is computed here once more, from the words of the protocol page.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import msgspec
import pyotp
import uvicorn
from joserfc import jwe, jws
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol

from ciba_service.sca.messages import (
    Accepted,
    AccessEnded,
    AccessesListed,
    AccessUnknown,
    Authenticate,
    Challenge,
    ChallengeOffered,
    Decide,
    DeviceMessage,
    Display,
    EndAccess,
    EnrolmentAnswer,
    EnrolmentSecrets,
    Factor,
    Fetched,
    HandleMade,
    HandleRefusal,
    HandleRefused,
    Hello,
    LastingAccess,
    ListAccesses,
    MakeHandle,
    Payment,
    Received,
    RefusalReason,
    Refused,
    ServiceKeys,
    ServiceMessage,
    Shown,
    TotpParameters,
    Verdict,
    Welcome,
    decode_device_message,
)
from tests.services.prompt_server import PromptServer
from tests.unit.authenticator_sim.certificates import LoopbackCertificate

ISSUER = "http://127.0.0.1:9"
ACTIVATION_CODE = "K7QM-2RXP-9D4T"
SECOND_SECRET = "482913"
DEVICE_ID = "9cR0device"
PIN = "739154"
NOW_MS = 1_795_230_000_000
PATIENCE_SECONDS = 10
HANDLE = "ciba-handle:" + "A" * 22
# Whatever is read, one member of the third is a text of it that is not UTF-8; Python's limit of
# nesting is 1,000.
MALFORMED_JSON = (
    b"",
    b"[]",
    (
        b'{"type": "hello", "issuer": "\xff", "iss": "\xff", "alg": "\xff", "device_id": "\xff",'
        b' "pin_key": "\xff", "messages": [{"type": "welcome", "device_id": "\xff"}],'
        b' "decisions": [{"event": "decided", "transaction_id": "\xff"}]}'
    ),
    b"[" * 1_100,
    b'{"riddle": ' + b"[" * 1_100,
)

Json = dict[str, Any]


def b64(data: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public(key: ECKey, kid: str) -> dict[str, str]:
    """Public JWK with a kid."""
    return {**{n: str(v) for n, v in key.as_dict(private=False).items()}, "kid": kid}


@dataclass(frozen=True)
class VerifiedDecision:
    """What a real service would know after verifying a decision."""

    claims: Json
    proofs: Json | None
    ephemeral_key: Json | None


class ScriptedBank:
    """Keys and knowledge of the service."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.challenge_key = ECKey.generate_key("P-256")
        self.encryption_key = ECKey.generate_key("P-256")
        self.pin_key = os.urandom(32)
        self.totp = TotpParameters(secret=pyotp.random_base32())
        self.device_key: ECKey | None = None
        self.enrolment: Json = {}

    @property
    def service_keys(self) -> ServiceKeys:
        """What the phone pins."""
        return ServiceKeys(
            challenge=(public(self.challenge_key, "c1"),),
            encryption=public(self.encryption_key, "e1"),
        )

    def enrol(self, body: bytes, **changes: object) -> EnrolmentAnswer:
        """Verify an enrolment and answer it; ``changes`` tamper with the answer."""
        token = json.loads(body)["enrolment"]
        header = jws.extract_compact(token.encode()).headers()
        assert set(header) == {"alg", "typ", "jwk"}
        assert header["typ"] == "ciba-enrolment+jwt"
        assert "d" not in header["jwk"]
        self.device_key = ECKey.import_key(header["jwk"])
        verified = jws.deserialize_compact(token, self.device_key, algorithms=["ES256"])
        self.enrolment = json.loads(verified.payload)
        assert self.enrolment["aud"] == self.issuer
        assert "d" not in self.enrolment["encryption_key"]
        answer = EnrolmentAnswer(
            device_id=DEVICE_ID,
            issuer=self.issuer,
            subject="alice",
            websocket=f"{self.issuer.replace('http', 'ws', 1)}/device/ws",
            messages=f"{self.issuer}/device/messages",
            keys=self.service_keys,
            secrets=self.secrets_for(ECKey.import_key(self.enrolment["encryption_key"])),
        )
        return msgspec.structs.replace(answer, **changes)

    def secrets_for(
        self,
        key: ECKey,
        *,
        typ: str = "ciba-secrets+jwe",
        pin_key: str = "",
        plaintext: bytes | None = None,
    ) -> str:
        """Encrypt the PIN key and the OTP seed to a phone, or what need not be secrets."""
        if plaintext is None:
            plaintext = msgspec.json.encode(
                EnrolmentSecrets(pin_key=pin_key or b64(self.pin_key), totp=self.totp)
            )
        header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": typ}
        return jwe.encrypt_compact(header, plaintext, key, algorithms=["ECDH-ES", "A256GCM"])

    def challenge(self, transaction: str = "tx-1", **changes: object) -> Challenge:
        """Write a challenge for a payment."""
        challenge = Challenge(
            v=1,
            iss=self.issuer,
            transaction_id=transaction,
            nonce=b64(os.urandom(32)),
            iat=NOW_MS // 1000,
            exp=NOW_MS // 1000 + 180,
            locale="en",
            display=Display(
                title="Confirm payment",
                client="Corner Shop",
                shares=("Your identity",),
                binding_message="W4SCT",
                amount="12.50 EUR",
                payee="Corner Shop Ltd",
                payee_account="DE89 3704 0044 0532 0130 00",
                remittance_information="Invoice 4711",
            ),
            factors=(Factor.DEVICE_KEY, Factor.PIN, Factor.OTP),
            scope=("openid",),
            payments=(
                Payment(
                    amount="12.50",
                    currency="EUR",
                    creditor_name="Corner Shop Ltd",
                    creditor_iban="DE89370400440532013000",
                    remittance_information="Invoice 4711",
                ),
            ),
        )
        return msgspec.structs.replace(challenge, **changes)

    def sign(
        self,
        challenge: Challenge,
        *,
        key: ECKey | None = None,
        header: Json | None = None,
    ) -> str:
        """Sign a challenge, with another key or header where a test tampers."""
        return self.sign_bytes(msgspec.json.encode(challenge), key=key, header=header)

    def sign_bytes(
        self, payload: bytes, *, key: ECKey | None = None, header: Json | None = None
    ) -> str:
        """Sign what need not be a challenge."""
        members = {"alg": "ES256", "typ": "ciba-challenge+jws", "kid": "c1", **(header or {})}
        return jws.serialize_compact(
            members, payload, key or self.challenge_key, algorithms=["ES256"]
        )

    def offer(self, transaction: str = "tx-1", **changes: object) -> str:
        """Write and sign a challenge."""
        return self.sign(self.challenge(transaction, **changes))

    def verify_session(self, proof: str, *, nonce: str, body: bytes | None = None) -> Json:
        """Verify a session proof as the protocol page says."""
        claims = self._verify(proof, typ="ciba-session+jwt")
        assert claims["nonce"] == nonce
        assert claims.get("body_hash") == (body and b64(hashlib.sha256(body).digest()))
        return claims

    def verify_decision(self, decision: str, *, challenge: str) -> VerifiedDecision:
        """Verify a decision over exactly this challenge and decrypt its factors."""
        claims = self._verify(decision, typ="ciba-decision+jwt")
        assert claims["challenge_hash"] == b64(hashlib.sha256(challenge.encode()).digest())
        if "factors" not in claims:
            return VerifiedDecision(claims, None, None)
        opened = jwe.decrypt_compact(
            claims["factors"], self.encryption_key, algorithms=["ECDH-ES", "A256GCM"]
        )
        header = opened.headers()
        assert (header["typ"], header["kid"]) == ("ciba-factors+jwe", "e1")
        assert opened.plaintext is not None
        proofs = json.loads(opened.plaintext)
        assert proofs["jti"] == claims["jti"]
        return VerifiedDecision(claims, proofs, header["epk"])

    def expected_pin_proof(self, claims: Json) -> str:
        """Compute the proof that the right PIN would give."""
        parts = ("ciba-pin.v1", DEVICE_ID, claims["challenge_hash"], "approve", claims["jti"])
        message = "\0".join(parts).encode()
        return b64(hmac.new(self.pin_key, message, hashlib.sha256).digest())

    def otp_at(self, now_ms: int) -> str:
        """One-time code of a moment."""
        return pyotp.TOTP(self.totp.secret).at(now_ms // 1000)

    def _verify(self, token: str, *, typ: str) -> Json:
        assert self.device_key is not None
        verified = jws.deserialize_compact(token, self.device_key, algorithms=["ES256"])
        assert verified.headers() == {"alg": "ES256", "typ": typ, "kid": DEVICE_ID}
        claims: Json = json.loads(verified.payload)
        assert (claims["iss"], claims["aud"]) == (DEVICE_ID, self.issuer)
        assert None not in claims.values()
        return claims


class Conversation:
    """One WebSocket as the service sees it."""

    def __init__(self, bank: ScriptedBank, socket: ServerConnection) -> None:
        self.bank = bank
        self.socket = socket
        self.over = asyncio.Event()
        self.receipts: list[Received | Shown] = []

    async def say(self, message: ServiceMessage) -> None:
        """Send a message."""
        await self.socket.send(msgspec.json.encode(message).decode())

    async def hear(self) -> DeviceMessage:
        """Wait for the phone's next message."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            frame = await self.socket.recv()
        assert isinstance(frame, str)
        message = decode_device_message(frame)
        if isinstance(message, Received | Shown):
            self.receipts.append(message)
            return await self.hear()
        return message

    async def authenticate(self) -> Json:
        """Send hello and verify the proof."""
        nonce = secrets.token_urlsafe(32)
        await self.say(Hello(issuer=self.bank.issuer, nonce=nonce))
        message = await self.hear()
        assert isinstance(message, Authenticate)
        return self.bank.verify_session(message.proof, nonce=nonce)

    async def welcome(self, *challenges: str, server_time: int = NOW_MS) -> None:
        """Authenticate the phone and send every open challenge."""
        await self.authenticate()
        await self.say(Welcome(device_id=DEVICE_ID, server_time=server_time))
        for challenge in challenges:
            await self.say(ChallengeOffered(challenge))
        names = tuple(transaction_of(challenge) for challenge in challenges)
        await self.say(Fetched(open=names))

    async def hear_decision(self) -> str:
        """Wait for a decision."""
        message = await self.hear()
        assert isinstance(message, Decide)
        return message.decision

    async def accept(self, decision: str) -> None:
        """Accept a decision."""
        await self.say(accepted(decision))

    async def close(self, code: int) -> None:
        """Close with a code of the protocol."""
        await self.socket.close(code)
        self.over.set()

    def drop(self) -> None:
        """Cut the connection without a word."""
        self.socket.transport.abort()
        self.over.set()


def unverified(token: str) -> Json:
    """Payload of a JWS."""
    payload = token.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def transaction_of(token: str) -> str:
    """Transaction id in a challenge or decision."""
    return str(unverified(token)["transaction_id"])


def accepted(decision: str) -> Accepted:
    """Accept a decision as it is."""
    claims = unverified(decision)
    return Accepted(claims["transaction_id"], claims["jti"], Verdict(claims["verdict"]))


def refused(decision: str, *, reason: RefusalReason, attempts_left: int | None = None) -> Refused:
    """Refuse a decision."""
    claims = unverified(decision)
    return Refused(claims["transaction_id"], claims["jti"], reason, attempts_left)


class ScriptedSocketService:
    """Accepts WebSockets and hands each to the test as a ``Conversation``."""

    def __init__(self, bank: ScriptedBank, certificate: LoopbackCertificate | None = None) -> None:
        self.bank = bank
        self._tls = certificate and certificate.context()
        self._arrived: asyncio.Queue[Conversation] = asyncio.Queue()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where the phone connects to."""
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{port}/device/ws"

    @property
    def quiet(self) -> bool:
        """Whether nobody has connected."""
        return self._arrived.empty()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._converse,
            "127.0.0.1",
            0,
            subprotocols=[Subprotocol("ciba-device.v1")],
            ssl=self._tls,
            compression=None,
            close_timeout=1,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def next(self) -> Conversation:
        """Wait for the phone to connect."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._arrived.get()

    async def _converse(self, connection: ServerConnection) -> None:
        conversation = Conversation(self.bank, connection)
        self._arrived.put_nowait(conversation)
        waits = {
            asyncio.create_task(conversation.over.wait()),
            asyncio.create_task(connection.wait_closed()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()


class ScriptedHttpService:
    """Enrols, and answers messages over HTTPS, with statuses the test may put first."""

    def __init__(self, bank: ScriptedBank) -> None:
        self.bank = bank
        self.open: dict[str, str] = {}
        self.accesses: dict[str, LastingAccess] = {}
        self.decisions: list[str] = []
        self.enrolments: list[bytes] = []
        self.statuses: list[int] = []
        self.enrolment_statuses: list[int] = []
        self.nonce_answer: bytes | None = None
        self.answer: bytes | None = None
        self.refusals: list[tuple[RefusalReason, int | None]] = []
        self.handle_refusal: HandleRefusal | None = None
        self.receipts: list[Received | Shown] = []
        self._nonces: set[str] = set()

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/device/enrolments", self._enrol, methods=["POST"]),
                Route("/device/nonce", self._nonce),
                Route("/device/messages", self._messages, methods=["POST"]),
            ]
        )

    async def _enrol(self, request: Request) -> Response:
        body = await request.body()
        self.enrolments.append(body)
        if self.enrolment_statuses:
            return Response(b"{}", self.enrolment_statuses.pop(0))
        assert request.headers["content-type"] == "application/json"
        if self.answer is not None:
            return Response(self.answer, 201)
        return Response(msgspec.json.encode(self.bank.enrol(body)), 201)

    async def _nonce(self, _request: Request) -> Response:
        nonce = secrets.token_urlsafe(32)
        self._nonces.add(nonce)
        hello = msgspec.json.encode(Hello(issuer=self.bank.issuer, nonce=nonce))
        return Response(self.nonce_answer or hello, 503 if self.nonce_answer == b"503" else 200)

    async def _messages(self, request: Request) -> Response:
        body = await request.body()
        scheme, _, proof = request.headers["authorization"].partition(" ")
        assert scheme == "Device"
        nonce = unverified(proof)["nonce"]
        assert nonce in self._nonces
        self._nonces.remove(nonce)
        self.bank.verify_session(proof, nonce=nonce, body=body)
        message = decode_device_message(body)
        if isinstance(message, Decide):
            self.decisions.append(message.decision)
        if self.statuses:
            return Response(b"{}", self.statuses.pop(0))
        if isinstance(message, Received | Shown):
            self.receipts.append(message)
            return Response(b'{"messages":[]}')
        answers = [msgspec.json.encode(answer) for answer in self._answers(message)]
        whole = b'{"messages":[' + b",".join(answers) + b"]}"
        return Response(whole if self.answer is None else self.answer)

    def _answers(self, message: DeviceMessage) -> list[ServiceMessage]:
        if isinstance(message, MakeHandle):
            refusal = self.handle_refusal
            return [HandleMade(HANDLE, 180) if refusal is None else HandleRefused(refusal)]
        if isinstance(message, ListAccesses):
            return [*self.accesses.values(), AccessesListed(tuple(self.accesses))]
        if isinstance(message, EndAccess):
            name = message.transaction_id
            known = self.accesses.pop(name, None)
            return [AccessUnknown(name) if known is None else AccessEnded(name)]
        if isinstance(message, Decide):
            if self.refusals:
                reason, left = self.refusals.pop(0)
                return [refused(message.decision, reason=reason, attempts_left=left)]
            self.bank.verify_decision(
                message.decision, challenge=self.open.pop(transaction_of(message.decision))
            )
            return [accepted(message.decision)]
        offers: list[ServiceMessage] = [ChallengeOffered(token) for token in self.open.values()]
        return [*offers, Fetched(open=tuple(self.open))]


@contextlib.asynccontextmanager
async def serving(
    app: Starlette, certificate: LoopbackCertificate | None = None
) -> AsyncIterator[str]:
    """Serve an ASGI application on loopback, with TLS if told, and give its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        lifespan="off",
        ws="none",
        ssl_certfile=certificate and certificate.chain,
        ssl_keyfile=certificate and certificate.key,
    )
    server = PromptServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    scheme = "https" if certificate else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.end()
        await task
