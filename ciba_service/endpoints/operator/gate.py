"""Lets operators in, and nobody else: host, origin, token or session, and the header that writes.

In this order, whatever the path: a stranger does not learn which paths there are. Between origin
and token stands the page, which holds nothing of the service.
"""

from collections.abc import Sequence
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from ciba_service.endpoints.body import header, header_lines
from ciba_service.endpoints.operator.problems import respond_problem
from ciba_service.endpoints.operator.router import OperatorRouter
from ciba_service.endpoints.operator.served_page import PAGE_METHODS, PageFile, ServedPage
from ciba_service.endpoints.operator.session_cookie import CookieForm
from ciba_service.flow.operators.authentication import ActingOperator, OperatorAuthentication
from ciba_service.listening.peer import peer_address
from ciba_service.ports import SignerUnavailable, StoreUnavailable, Telemetry, UnknownRecordFormat
from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.operators.origins import AllowedOrigins
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.tokens.dpop.authorization import TokenScheme, parse_authorization

__all__ = ["CSRF_HEADER", "OperatorGate"]

CSRF_HEADER: Final = b"x-csrf-token"

# Of every answer: it is what it says it is, and pages elsewhere cannot embed it.
_EVERYWHERE: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_READING: Final = frozenset({"GET", "HEAD"})
_OPENING: Final = ((b"sec-fetch-mode", "navigate"), (b"sec-fetch-dest", "document"))


class OperatorGate:
    """The ASGI application of the operators' listener."""

    def __init__(
        self,
        *,
        origins: AllowedOrigins,
        authentication: OperatorAuthentication,
        cookie: CookieForm,
        page: ServedPage,
        router: OperatorRouter,
        telemetry: Telemetry,
    ) -> None:
        self._origins = origins
        self._authentication = authentication
        self._cookie = cookie
        self._page = page
        self._router = router
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        acting: ActingOperator | None = None
        send = _with_headers(send)
        try:
            file = self._page.find(scope)
            self._demand_own_page(scope, file)
            if file is not None:
                await self._page.respond(file, scope, send)
                return
            acting = await self._acting(scope)
            if scope["method"] not in _READING:
                acting.demand_csrf_token((header(scope, CSRF_HEADER) or b"").decode("latin-1"))
            await self._router(acting, scope, receive, send)
        except OperatorRefused as refused:
            await self._refuse(scope, send, refused.problem, acting)
        except UnknownRecordFormat as fault:
            self._telemetry.failure("record_unreadable", fault)
            await self._refuse(scope, send, Problem.UNREADABLE, acting)
        except StoreUnavailable as fault:
            self._telemetry.failure("store_unavailable", fault)
            await self._refuse(scope, send, Problem.UNAVAILABLE, acting)
        except SignerUnavailable as fault:
            self._telemetry.failure("signer_unavailable", fault)
            await self._refuse(scope, send, Problem.UNAVAILABLE, acting)

    def _demand_own_page(self, scope: Scope, file: PageFile | None) -> None:
        hosts, origins = header_lines(scope, b"host"), header_lines(scope, b"origin")
        if len(hosts) != 1 or not self._origins.has_host(hosts[0]):
            raise OperatorRefused(Problem.MISDIRECTED)
        sites = header_lines(scope, b"sec-fetch-site")
        if len(origins) > 1 or len(sites) > 1:
            raise OperatorRefused(Problem.MALFORMED_REQUEST)
        may_be_linked = file is not None and file.is_document and _is_visit(scope)
        site = None if may_be_linked else _only(sites)
        if not self._origins.lets_in(host=hosts[0], origin=_only(origins), site=site):
            raise OperatorRefused(Problem.CROSS_SITE)

    async def _acting(self, scope: Scope) -> ActingOperator:
        """Whoever shows a token is asked for nothing else."""
        peer = peer_address(scope) or "unix"
        lines = header_lines(scope, b"authorization")
        if lines:
            return self._authentication.by_token(_bearer(lines), peer=peer)
        value = self._cookie.read(header_lines(scope, b"cookie"))
        if value is None:
            raise OperatorRefused(Problem.UNAUTHENTICATED)
        return await self._authentication.by_cookie(value, peer=peer)

    async def _refuse(
        self, scope: Scope, send: Send, problem: Problem, acting: ActingOperator | None
    ) -> None:
        # A flood of guesses has its one line already.
        if problem is not Problem.TOO_MANY_ATTEMPTS:
            self._telemetry.event(
                "operator_refused",
                problem=problem.code,
                status=int(problem.status),
                operator=None if acting is None else acting.name,
            )
        headers = []
        if problem is Problem.METHOD_NOT_ALLOWED:
            headers.append((b"allow", self._allowed(scope).encode("ascii")))
        await respond_problem(send, problem, headers)

    def _allowed(self, scope: Scope) -> str:
        if self._page.find(scope) is not None:
            return ", ".join(PAGE_METHODS)
        return self._router.allowed(scope)


def _is_visit(scope: Scope) -> bool:
    """Whether a browser opens it as a page of its own: by a link from anywhere, or a bookmark."""
    opens = all(header_lines(scope, name) == (value,) for name, value in _OPENING)
    return opens and scope["method"] in PAGE_METHODS


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_EVERYWHERE]}
        await send(message)

    return sending


def _only(lines: Sequence[str]) -> str | None:
    return lines[0] if lines else None


def _bearer(lines: Sequence[str]) -> str:
    try:
        presented = parse_authorization(lines)
    except InvalidRequestError:
        raise OperatorRefused(Problem.MALFORMED_REQUEST) from None
    if presented is None or presented.scheme is not TokenScheme.BEARER:
        raise OperatorRefused(Problem.UNAUTHENTICATED)
    return presented.text
