"""The provider as an ASGI application."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.wrong_provider import liberties
from tests.wrong_provider.asking.backchannel import acknowledge
from tests.wrong_provider.deciding.automation import decide
from tests.wrong_provider.discovery import key_set, metadata
from tests.wrong_provider.errors import Refusal, refusal_response
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.granting.resource import userinfo
from tests.wrong_provider.granting.token_endpoint import answer_token_request, pending_response
from tests.wrong_provider.provider import Provider

__all__ = ["application"]

Answer = Callable[[Provider, Request], Awaitable[Response]]


def application(provider: Provider) -> Starlette:
    """All its endpoints; every refusal becomes an error of RFC 6749."""

    def refusing(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                given = await answer(provider, request)
            except Refusal as refusal:
                given = _refused(provider, refusal)
            return liberties.response(given) if provider.differently else given

        return answered

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", refusing(_metadata)),
            Route("/jwks", refusing(_key_set)),
            Route("/bc-authorize", refusing(acknowledge), methods=["GET", "POST"]),
            Route("/token", refusing(answer_token_request), methods=["GET", "POST"]),
            Route("/userinfo", refusing(userinfo), methods=["GET", "POST"]),
            Route("/automation", refusing(decide), methods=["POST"]),
        ]
    )


def _refused(provider: Provider, refusal: Refusal) -> Response:
    otherwise = liberties.refusal(refusal) if provider.differently else None
    usually = refusal_response(pending_response(provider, refusal), provider.faults)
    return otherwise or usually


async def _metadata(provider: Provider, _: Request) -> Response:
    if provider.has(Fault.METADATA_AS_TEXT):
        return PlainTextResponse("This is our configuration.")
    return JSONResponse(metadata(provider))


async def _key_set(provider: Provider, _: Request) -> Response:
    return JSONResponse(key_set(provider))
