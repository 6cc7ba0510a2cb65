"""Whoever decides in the user's place: a port, and the automation URL behind it."""

from enum import StrEnum
from typing import Protocol
from urllib.parse import quote

import httpx2

from ciba_client.conformance.parties.wire import NoAnswer, Wire

__all__ = ["Approver", "AutomationUrl", "Decision"]


class Decision(StrEnum):
    """By the names that the certification tests have for them."""

    ALLOW = "allow"
    DENY = "deny"


class Approver(Protocol):
    """Makes the user decide."""

    async def decide(self, auth_req_id: str, decision: Decision, wire: Wire) -> None:
        """Have a request decided, soon if not at once; raises ``NoAnswer`` when it cannot be."""
        ...


class AutomationUrl:
    """Approval by ``POST {url}``, as the certification tests do it; any 2xx will do.

    ``{auth_req_id}`` and ``{action}`` in the URL are filled in; without them they are appended.
    """

    def __init__(self, url: str, http: httpx2.AsyncClient) -> None:
        self._url = url
        self._http = http

    async def decide(self, auth_req_id: str, decision: Decision, wire: Wire) -> None:
        """Have a request decided."""
        answer = await wire.send(self._http, "POST", self._filled(auth_req_id, decision))
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - the successful ones
            raise NoAnswer(f"the automation URL answered with {answer.summary()}")

    def _filled(self, auth_req_id: str, decision: Decision) -> str:
        name, action = quote(auth_req_id, safe=""), str(decision)
        if "{auth_req_id}" in self._url:
            return self._url.replace("{auth_req_id}", name).replace("{action}", action)
        mark = "&" if "?" in self._url else "?"
        return f"{self._url}{mark}auth_req_id={name}&action={action}"
