"""``/operator/users`` and ``/operator/devices``."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.types import Send

from ciba_service.endpoints.answers import respond, respond_nothing
from ciba_service.endpoints.operator.bodies import Nothing, read_object
from ciba_service.endpoints.operator.router import Operation, OperatorRequest
from ciba_service.flow.operators.devices import OperatedDevices
from ciba_service.flow.operators.user_search import UserSearch
from ciba_service.flow.operators.users import OperatedUsers
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.operators.tokens import Role

__all__ = ["DevicesEndpoint", "UsersEndpoint"]

_PAGED: Final = frozenset({"limit", "cursor"})
_USERS: Final = "/operator/users"
_USER: Final = "/operator/users/{sub}"
_DEVICES: Final = "/operator/devices"
_DEVICE: Final = "/operator/devices/{device_id}"


class _Activation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``further``: for a phone beside those there are."""

    further: bool = False


class UsersEndpoint:
    """Users, and what is done for them."""

    def __init__(self, users: OperatedUsers) -> None:
        self._users = users

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        write = Role.WRITE
        return (
            Operation("GET", _USERS, self.list, queries=_PAGED | {"search", "locked"}),
            Operation("GET", _USER, self.show),
            Operation("POST", f"{_USER}/unlock", self.unlock, write),
            Operation("POST", f"{_USER}/reset", self.reset, write),
            Operation("POST", f"{_USER}/activation", self.activate, write),
            Operation("DELETE", f"{_USER}/blocks/{{client_id}}", self.unblock, write),
            Operation("DELETE", f"{_USER}/accesses/{{transaction_id}}", self.end_access, write),
        )

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of users: all, or those that are searched for."""
        query = request.query
        locked = query.values.get("locked")
        sought = UserSearch(query.values.get("search"), only_locked=locked is not None)
        if locked not in {None, "true"} or not sought.is_bounded:
            raise OperatorRefused(Problem.INVALID_QUERY)
        page = await self._users.page(query.cursor, sought, limit=query.limit)
        await respond(send, HTTPStatus.OK, page)

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """One user."""
        await respond(send, HTTPStatus.OK, await self._users.show(request.name))

    async def unlock(self, request: OperatorRequest, send: Send) -> None:
        """Forget failed attempts."""
        await read_object(request.scope, request.receive, Nothing)
        await self._users.unlock(request.acting, request.name)
        await respond_nothing(send)

    async def reset(self, request: OperatorRequest, send: Send) -> None:
        """Revoke every phone."""
        await read_object(request.scope, request.receive, Nothing)
        code = await self._users.reset(request.acting, request.name)
        await respond(send, HTTPStatus.OK, code)

    async def activate(self, request: OperatorRequest, send: Send) -> None:
        """Make a code for a phone."""
        wanted = await read_object(request.scope, request.receive, _Activation)
        code = await self._users.activate(request.acting, request.name, further=wanted.further)
        await respond(send, HTTPStatus.CREATED, code)

    async def unblock(self, request: OperatorRequest, send: Send) -> None:
        """Lift the block of a client."""
        subject, client_id = request.names
        await self._users.unblock(request.acting, subject, client_id)
        await respond_nothing(send)

    async def end_access(self, request: OperatorRequest, send: Send) -> None:
        """End the access of a client that lasts."""
        subject, transaction_id = request.names
        await self._users.end_access(request.acting, subject, transaction_id)
        await respond_nothing(send)


class DevicesEndpoint:
    """Phones."""

    def __init__(self, devices: OperatedDevices) -> None:
        self._devices = devices

    @property
    def operations(self) -> Sequence[Operation]:
        """All of it."""
        return (
            Operation("GET", _DEVICES, self.list, queries=_PAGED),
            Operation("GET", _DEVICE, self.show),
            Operation("DELETE", _DEVICE, self.revoke, Role.WRITE),
        )

    async def list(self, request: OperatorRequest, send: Send) -> None:
        """A page of phones."""
        query = request.query
        page = await self._devices.page(query.cursor, limit=query.limit)
        await respond(send, HTTPStatus.OK, page)

    async def show(self, request: OperatorRequest, send: Send) -> None:
        """One phone."""
        await respond(send, HTTPStatus.OK, await self._devices.show(request.name))

    async def revoke(self, request: OperatorRequest, send: Send) -> None:
        """Destroy its keys."""
        await self._devices.revoke(request.acting, request.name)
        await respond_nothing(send)
