"""Around the service that is measured: approvals without a phone, as the peer has them, too.

What is left out is what a phone does and its verification. The rest is what follows a decision
that was found right: its evidence and its receipt are made, and the transaction is swapped by the
same step of the store, with the same due work, as for any phone.
"""

import gc
import secrets
import time
from typing import Final

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.speed.names import APPROVE_PATH
from benchmarks.speed.phones import Phones
from benchmarks.speed.signing import Es256Key
from ciba_service.app import Service
from ciba_service.flow.deciding.heard_decision import HeardDecision
from ciba_service.flow.due.settlement import Answered
from ciba_service.ports import Decided, StoredRequest, Swap, Transaction
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.protocol.transaction.state import Event, State
from ciba_service.sca.decision import PresentedDecision, SignedDecision
from ciba_service.sca.factors.policy import amr_of
from ciba_service.sca.messages import DecisionClaims, Verdict, challenge_hash, transaction_id
from ciba_service.stores.asking.request_records import pack_request

__all__ = ["CHALLENGE_PATH", "COLLECT_PATH", "ENROL_PATH", "BenchDoor"]

CHALLENGE_PATH: Final = "/bench/challenge"
COLLECT_PATH: Final = "/bench/gc"
ENROL_PATH: Final = "/bench/enrol"
_OK: Final = 200
_CONFLICT: Final = 409


class BenchDoor:
    """ASGI middleware with four paths of its own; everything else is the service."""

    def __init__(self, service: Service, *, callback_delay: int, issuer: str) -> None:
        self._app: ASGIApp = service.app
        self._service = service
        self._callback_delay = callback_delay
        self._issuer = issuer
        self._phones = Phones(Es256Key.generate("phone"))
        self._decision = parse_jws(self._phones.decision())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        path = scope.get("path", "")
        if not path.startswith("/bench/"):
            await self._app(scope, receive, send)
            return
        body = (await receive()).get("body", b"").decode("ascii")
        if path == APPROVE_PATH:
            won = await self._approve(transaction_id(body))
            await _answer(send, _OK if won else _CONFLICT)
        elif path == ENROL_PATH:
            await self._phones.enrol_all(self._service.stores.devices)
            await _answer(send, _OK)
        elif path == CHALLENGE_PATH:
            await _answer(send, _OK, await self._challenge(transaction_id(body)))
        elif path == COLLECT_PATH:
            gc.collect()
            await _answer(send, _OK)

    async def _challenge(self, name: str) -> bytes:
        """As many bytes as the challenge takes where it is kept."""
        now = time.time_ns() // 1_000_000
        transaction = await self._service.stores.transactions.read(name, now=now)
        if transaction is None or transaction.request is None:
            return b""
        request = transaction.request
        without = msgspec.structs.replace(request, challenge="")
        return bytes(len(pack_request(request)) - len(pack_request(without)))

    async def _approve(self, name: str) -> bool:
        stores, now = self._service.stores, time.time_ns() // 1_000_000
        transaction = await stores.transactions.read(name, now=now)
        if transaction is None or transaction.request is None:
            return False
        heard = self._heard(transaction, transaction.request)
        decided = Decided(
            device_id=heard.signed.device.device_id,
            operation=heard.presented.operation,
            challenge_hash=heard.signed.claims.challenge_hash,
            acr=transaction.request.acr,
            amr=amr_of(transaction.request.factors),
            auth_time=now // 1000,
        )
        worker = self._service.worker
        until = worker.lease(now)
        result = await stores.transactions.swap(
            Swap(
                transaction_id=name,
                event=Event.APPROVE,
                operation=heard.presented.operation,
                now=now,
                decided=decided,
                callback_delay=self._callback_delay,
                evidence=heard.approved(decided, at=now),
                sca_receipt=heard.receipt(decided),
                settled_until=until,
            )
        )
        worker.settle(
            Answered(
                transaction_id=name,
                client_id=transaction.client_id,
                user_tag=transaction.user_tag,
                state=State.APPROVED,
                decision=heard.presented.operation,
            ),
            until,
        )
        return result.won

    def _heard(self, transaction: Transaction, request: StoredRequest) -> HeardDecision:
        device = self._phones.device(request.subject)
        claims = DecisionClaims(
            iss=device.device_id,
            aud=self._issuer,
            jti=secrets.token_urlsafe(16),
            iat=0,
            transaction_id=transaction.transaction_id,
            challenge_hash=challenge_hash(request.challenge),
            verdict=Verdict.APPROVE,
        )
        operation = secrets.token_urlsafe(32)
        return HeardDecision(
            PresentedDecision(claims, operation, self._decision),
            SignedDecision(device, claims, operation, None),
            request,
            transaction.client_id,
        )


async def _answer(send: Send, status: int, body: bytes = b"done") -> None:
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
