"""Directories of a host whose code is synchronous: each look-up runs in a thread of its own."""

import asyncio
from collections.abc import Callable

from ciba_service.ports import User
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.hints import UserIdentifier

__all__ = ["ThreadedClients", "ThreadedUsers"]


class ThreadedClients:
    """``ports.ClientRegistry`` over a function of the host."""

    def __init__(self, find: Callable[[str], Client | None]) -> None:
        """``find`` takes a ``client_id``; any thread may call it, at any time."""
        self._find = find

    async def find(self, client_id: str) -> Client | None:
        """The client, or None."""
        return await asyncio.to_thread(self._find, client_id)


class ThreadedUsers:
    """``ports.UserDirectory`` over two functions of the host; any thread may call them."""

    def __init__(
        self,
        find: Callable[[UserIdentifier], User | None],
        find_subject: Callable[[str], User | None],
    ) -> None:
        self._find = find
        self._find_subject = find_subject

    async def find(self, identifier: UserIdentifier) -> User | None:
        """The user whom an identifier names, or None."""
        return await asyncio.to_thread(self._find, identifier)

    async def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None."""
        return await asyncio.to_thread(self._find_subject, subject)
