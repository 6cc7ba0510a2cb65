"""``/operator/clients``, ``/operator/evidence``, ``/operator/status``, and the description."""

from collections.abc import Sequence
from http import HTTPStatus
from importlib import resources
from typing import Final

import msgspec
from starlette.types import Send

from ciba_service.endpoints.answers import respond, respond_nothing
from ciba_service.endpoints.operator.bodies import Nothing, read_object
from ciba_service.endpoints.operator.router import Operation, OperatorRequest
from ciba_service.flow.operators.clients import OperatedClients
from ciba_service.flow.operators.service_state import OperatedService
from ciba_service.protocol.operators.tokens import Role

__all__ = ["ClientsEndpoint", "ServiceEndpoint"]

_PAGED: Final = frozenset({"limit", "cursor"})
_CLIENT: Final = "/operator/clients/{client_id}"


class ClientsEndpoint:
    """Clients."""

    def __init__(self, clients: OperatedClients) -> None:
        self._clients = clients

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        return (
            Operation("GET", "/operator/clients", self.list, queries=_PAGED),
            Operation("GET", _CLIENT, self.show),
            Operation("DELETE", _CLIENT, self.remove, Role.WRITE),
            Operation("POST", f"{_CLIENT}/disable", self.disable, Role.WRITE),
            Operation("POST", f"{_CLIENT}/enable", self.enable, Role.WRITE),
        )

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of clients."""
        query = request.query
        page = await self._clients.page(query.cursor, limit=query.limit)
        await respond(send, HTTPStatus.OK, page)

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """One client."""
        await respond(send, HTTPStatus.OK, await self._clients.show(request.name))

    async def remove(self, request: OperatorRequest, send: Send) -> None:
        """Remove one that registered itself."""
        await self._clients.remove(request.acting, request.name)
        await respond_nothing(send)

    async def disable(self, request: OperatorRequest, send: Send) -> None:
        """Let it do nothing until it is enabled again."""
        await self._suspend(request, send, enabled=False)

    async def enable(self, request: OperatorRequest, send: Send) -> None:
        """Let it do what it may again."""
        await self._suspend(request, send, enabled=True)

    async def _suspend(self, request: OperatorRequest, send: Send, *, enabled: bool) -> None:
        await read_object(request.scope, request.receive, Nothing)
        await self._clients.suspend(request.acting, request.name, enabled=enabled)
        await respond_nothing(send)


class ServiceEndpoint:
    """The service itself; its description is JSON made of docs/operator-openapi.yaml."""

    def __init__(self, service: OperatedService) -> None:
        self._service = service
        source = resources.files("ciba_service.endpoints.operator") / "openapi.json"
        self._description = msgspec.Raw(source.read_bytes())

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        return (
            Operation("GET", "/operator/status", self.status),
            Operation("GET", "/operator/evidence", self.evidence),
            Operation("GET", "/operator/openapi.json", self.description),
        )

    async def status(self, request: OperatorRequest, send: Send) -> None:  # noqa: ARG002 - as all
        """How it is."""
        await respond(send, HTTPStatus.OK, await self._service.state())

    async def evidence(self, request: OperatorRequest, send: Send) -> None:  # noqa: ARG002 - as all
        """How far evidence goes."""
        await respond(send, HTTPStatus.OK, await self._service.evidence())

    async def description(self, request: OperatorRequest, send: Send) -> None:  # noqa: ARG002 - as all
        """What there is."""
        await respond(send, HTTPStatus.OK, self._description)
