"""A bank's own Starlette application, with the CIBA service at /ciba and the bank's customers.

Run it with ``uvicorn --factory examples.starlette_mount.bank:create_bank`` (README.md).
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ciba_service.embedding import (
    HasPhone,
    HostPorts,
    IdentifierKind,
    User,
    UserIdentifier,
    create_service,
)

SETTINGS = Path(__file__).with_name("ciba.toml")

CUSTOMERS = {
    "4711": {"name": "Alice Example", "email": "alice@example.org", "closed": False},
    "4712": {"name": "Bob Example", "email": "bob@example.org", "closed": True},
}


class Customers:
    """The service asks the bank who exists: a bank would look into its database here."""

    async def find(self, identifier: UserIdentifier) -> User | None:
        """Whom a client's ``login_hint`` names."""
        if identifier.kind is not IdentifierKind.EMAIL:
            return await self.find_subject(identifier.value)
        for number, customer in CUSTOMERS.items():
            if customer["email"] == identifier.value:
                return await self.find_subject(number)
        return None

    async def find_subject(self, subject: str) -> User | None:
        """The customer of a number; asked at every step, so that a closed one counts at once."""
        customer = CUSTOMERS.get(subject)
        return None if customer is None else User(subject, enabled=not customer["closed"])


def create_bank(settings: Mapping[str, object] | None = None) -> Starlette:
    """The bank's application; ``settings`` are those of the service, as in ciba.toml."""
    if settings is None:
        settings = tomllib.loads(SETTINGS.read_text("utf-8"))
    ciba = create_service(settings, ports=HostPorts(users=Customers()))

    async def welcome(request: Request) -> JSONResponse:
        return JSONResponse({"bank": "Example Bank", "path": request.url.path})

    async def add_phone(request: Request) -> JSONResponse:
        # The bank knows who is at its counter, or has logged in; this example believes the path.
        try:
            issued = await ciba.people.activate(request.path_params["customer"])
        except HasPhone:
            return JSONResponse({"error": "there is a phone already"}, 409)
        return JSONResponse({"activation_code": issued.code})

    return Starlette(
        routes=[
            Route("/", welcome),
            Route("/customers/{customer}/phones", add_phone, methods=["POST"]),
            *ciba.routes,
        ],
        lifespan=ciba.lifespan,
    )
