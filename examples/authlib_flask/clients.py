"""The bank's clients, as Authlib wants them. A bank would have a table in its database."""

import hmac
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from ciba_service.embedding import Client
from ciba_service.integrations.authlib import registered_client

__all__ = ["BankClient", "ClientTable"]


@dataclass(frozen=True)
class BankClient(ClientMixin):
    """One row."""

    client_metadata: Mapping[str, Any]

    def get_client_id(self) -> str:
        """Its name."""
        return str(self.client_metadata["client_id"])

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether it may use a grant."""
        return grant_type in self.client_metadata["grant_types"]

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        """What of a scope it may have."""
        wanted = scope.split() if isinstance(scope, str) else scope
        allowed = self.client_metadata["scope"].split()
        return " ".join(each for each in wanted if each in allowed)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib
        """Whether it authenticates that way: by the one method it registered, everywhere."""
        return bool(self.client_metadata["token_endpoint_auth_method"] == method)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it knows its secret."""
        expected = str(self.client_metadata.get("client_secret", ""))
        return bool(expected) and hmac.compare_digest(expected.encode(), client_secret.encode())


class ClientTable:
    """All rows, for Authlib and for the service."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._clients = {row["client_id"]: BankClient(row) for row in rows}

    @classmethod
    def read(cls, path: Path) -> "ClientTable":
        """Those of a file."""
        return cls(tomllib.loads(path.read_text("utf-8"))["clients"])

    def find(self, client_id: str) -> BankClient | None:
        """What Authlib asks at each request."""
        return self._clients.get(client_id)

    def find_registered(self, client_id: str) -> Client | None:
        """What the service asks at each step."""
        client = self.find(client_id)
        return None if client is None else registered_client(client)
