"""The automation endpoint: a test tells the phone what to decide, over HTTP on loopback only.

``POST /decide?auth_req_id=...&action=allow|deny`` waits up to ten seconds for the matching
challenge, answers 202, and decides one second after its answer. Where the challenge asks for the
code that the other device shows, ``&verification_code=...`` brings it. Nothing logs the query
string: an ``auth_req_id`` is the client's secret.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authenticator_sim.core.events import (
    ChallengeShown,
    DecisionRefused,
    Event,
    Listening,
    NotDecided,
)
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.errors import PhoneError
from authenticator_sim.loopback import serve_on_loopback
from authenticator_sim.phone import Phone
from ciba_service.sca.messages import DenialReason, RefusalReason, transaction_id

__all__ = ["Automation"]

_WAIT_SECONDS: Final = 10.0
_DELAY_SECONDS: Final = 1.0
_MAX_ID_LENGTH: Final = 256
_CODE: Final = "verification_code"
_LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost"})


class _Action(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class _Order:
    transaction_id: str
    action: _Action
    verification_code: str | None


class Automation:
    """An attendant that decides only when told."""

    def __init__(
        self,
        phone: Phone,
        *,
        listener: socket.socket,
        pin: Pin | None,
        report: Callable[[Event], None],
    ) -> None:
        """Serve on a listening loopback socket, approving with this PIN."""
        self._phone = phone
        self._listener = listener
        self._pin = pin
        self._report = report
        self._arrival = asyncio.Event()
        self._ordered: set[str] = set()

    def notice(self, event: Event) -> None:
        """Wake who waits for a challenge; what is asked again may be ordered again."""
        match event:
            case ChallengeShown():
                self._ordered.discard(event.transaction_id)
                self._arrival.set()
                self._arrival = asyncio.Event()
            case DecisionRefused(reason=RefusalReason.FACTORS):
                self._ordered.discard(event.transaction_id)
            case _:
                pass

    async def run(self) -> None:
        """Serve until cancelled."""
        self._report(Listening(self._listener.getsockname()[1]))
        await serve_on_loopback(self.app(), self._listener)

    def app(self) -> Starlette:
        """Make the ASGI application."""
        return Starlette(
            routes=[Route("/decide", self._decide, methods=["POST"])],
            exception_handlers={HTTPException: _refuse},
        )

    async def _decide(self, request: Request) -> Response:
        _refuse_foreign_pages(request)
        order = _parse_order(request)
        if not await self._wait_for(order.transaction_id):
            raise HTTPException(404, "no open challenge")
        if order.transaction_id in self._ordered:
            raise HTTPException(409, "already ordered")
        self._ordered.add(order.transaction_id)
        return JSONResponse(
            {"transaction_id": order.transaction_id, "action": order.action},
            status_code=202,
            background=BackgroundTask(self._carry_out, order),
        )

    async def _wait_for(self, name: str) -> bool:
        timer = asyncio.create_task(self._phone.clock.sleep(_WAIT_SECONDS))
        try:
            while not (found := self._phone.find(name) is not None) and not timer.done():
                arrival = asyncio.create_task(self._arrival.wait())
                await asyncio.wait({timer, arrival}, return_when=asyncio.FIRST_COMPLETED)
                arrival.cancel()
            return found
        finally:
            timer.cancel()

    async def _carry_out(self, order: _Order) -> None:
        await self._phone.clock.sleep(_DELAY_SECONDS)
        try:
            if order.action is _Action.ALLOW:
                await self._phone.approve(
                    order.transaction_id, pin=self._pin, verification_code=order.verification_code
                )
            else:
                await self._phone.deny(order.transaction_id, reason=DenialReason.DECLINED)
        except PhoneError as error:
            self._ordered.discard(order.transaction_id)
            self._report(NotDecided(order.transaction_id, str(error)))


def _refuse_foreign_pages(request: Request) -> None:
    """A page in a browser on this machine must not order decisions (DNS rebinding, CSRF)."""
    if request.url.hostname not in _LOOPBACK_NAMES or "origin" in request.headers:
        raise HTTPException(403, "not from a web page")


def _parse_order(request: Request) -> _Order:
    parameters = request.query_params
    names = [name for name, _ in parameters.multi_items() if name != _CODE]
    if sorted(names) != ["action", "auth_req_id"]:
        raise HTTPException(400, "exactly one auth_req_id and one action")
    auth_req_id = parameters["auth_req_id"]
    if not (auth_req_id.isascii() and 0 < len(auth_req_id) <= _MAX_ID_LENGTH):
        raise HTTPException(400, "auth_req_id is not one")
    codes = parameters.getlist(_CODE)
    if len(codes) > 1 or not all(0 < len(code) <= _MAX_ID_LENGTH for code in codes):
        raise HTTPException(400, "verification_code is not one")
    try:
        action = _Action(parameters["action"])
    except ValueError:
        raise HTTPException(400, "action is allow or deny") from None
    return _Order(transaction_id(auth_req_id), action, codes[0] if codes else None)


async def _refuse(_request: Request, error: Exception) -> Response:
    match error:
        case HTTPException():
            body = {"error": error.detail}
            return JSONResponse(body, status_code=error.status_code, headers=error.headers)
        case _:
            raise error
