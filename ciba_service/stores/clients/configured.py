"""Clients and users as the configuration names them."""

from collections.abc import Iterable

from ciba_service.ports import User
from ciba_service.protocol.client.logo import Logo
from ciba_service.protocol.client.metadata import Client
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    UserIdentifier,
    parse_login_hint,
)

__all__ = ["ConfiguredClients", "ConfiguredUsers"]


class ConfiguredClients:
    """``ports.ClientRegistry`` over a list, which may be replaced as a whole."""

    __slots__ = ("_clients", "_logos")

    def __init__(self, clients: Iterable[Client]) -> None:
        self.replace(clients)

    def replace(self, clients: Iterable[Client]) -> None:
        """From now on these are all there are."""
        self._clients = {client.client_id: client for client in clients}
        logos = (client.logo for client in self._clients.values())
        self._logos = {logo.name: logo for logo in logos if logo is not None}

    async def find(self, client_id: str) -> Client | None:
        """The client, or None."""
        return self._clients.get(client_id)

    def find_logo(self, name: str) -> Logo | None:
        """The logo of this name that one of them has, or None."""
        return self._logos.get(name)


class ConfiguredUsers:
    """``ports.UserDirectory`` over a list that may be replaced as a whole.

    A user has a subject and further names.

    A name counts the way ``parse_login_hint`` reads it, and to the letter for those who name the
    user without saying what kind of name it is.
    """

    __slots__ = ("_by_name", "_by_subject")

    def __init__(self, users: Iterable[tuple[User, Iterable[str]]]) -> None:
        self.replace(users)

    def replace(self, users: Iterable[tuple[User, Iterable[str]]]) -> None:
        """From now on these are all there are."""
        by_subject: dict[str, User] = {}
        by_name: dict[IdentifierKind, dict[str, User]] = {kind: {} for kind in IdentifierKind}
        for user, hints in users:
            by_subject[user.subject] = user
            for name in (user.subject, *hints):
                by_name[IdentifierKind.NAME][name] = user
                hint = parse_login_hint(name)
                by_name[hint.kind][hint.value] = user
        self._by_subject, self._by_name = by_subject, by_name

    async def find(self, identifier: UserIdentifier) -> User | None:
        """The user whom an identifier names, or None."""
        if identifier.kind is IdentifierKind.SUBJECT:
            return await self.find_subject(identifier.value)
        return self._by_name[identifier.kind].get(identifier.value)

    async def find_subject(self, subject: str) -> User | None:
        """The user of a subject identifier, or None."""
        return self._by_subject.get(subject)
