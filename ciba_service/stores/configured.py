"""Clients and users as the configuration names them."""

from collections.abc import Iterable

from ciba_service.ports import User
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.parameters import LoginHint

__all__ = ["ConfiguredClients", "ConfiguredUsers"]


class ConfiguredClients:
    """``ports.ClientRegistry`` over a fixed list."""

    __slots__ = ("_clients",)

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = {client.client_id: client for client in clients}

    def find(self, client_id: str) -> Client | None:
        """The client, or None."""
        return self._clients.get(client_id)


class ConfiguredUsers:
    """``ports.UserDirectory`` over a fixed list; a hint is a subject or one of its login hints."""

    __slots__ = ("_by_hint", "_by_subject")

    def __init__(self, users: Iterable[tuple[User, Iterable[str]]]) -> None:
        self._by_subject: dict[str, User] = {}
        self._by_hint: dict[str, User] = {}
        for user, hints in users:
            self._by_subject[user.subject] = user
            for hint in hints:
                self._by_hint[hint] = user

    def find(self, hint: LoginHint) -> User | None:
        """The user a hint denotes, or None."""
        return self._by_hint.get(hint.value) or self._by_subject.get(hint.value)

    def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None."""
        return self._by_subject.get(subject)
