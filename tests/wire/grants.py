"""A token endpoint elsewhere, at the level of the wire, and what the configuration knows of it."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import httpx2


def token_endpoint(
    name: str, token: str, *, expires: str | None = None, **members: Any
) -> dict[str, Any]:
    """What the configuration has of a token endpoint."""
    known = {"sha256": hashlib.sha256(token.encode()).hexdigest()}
    tokens = [known if expires is None else {**known, "expires": expires}]
    return {"name": name, "tokens": tokens, **members}


@dataclass
class TokenEndpoint:
    """Somebody else's token endpoint, with its bearer token."""

    http: httpx2.AsyncClient
    token: str

    async def redeem(
        self,
        auth_req_id: str,
        *,
        client_id: str = "till",
        key: str | None = None,
        **headers: str,
    ) -> httpx2.Response:
        """Ask for a grant, by a key of its own unless it is given one."""
        asked = {"client_id": client_id, "auth_req_id": auth_req_id}
        sent = {"idempotency-key": key or secrets.token_urlsafe(16), **headers}
        return await self.post("/grants/ciba/redeem", asked, **sent)

    async def cancel(self, auth_req_id: str, *, client_id: str = "till") -> httpx2.Response:
        """Take a request back."""
        asked = {"client_id": client_id, "auth_req_id": auth_req_id}
        return await self.post("/grants/ciba/cancel", asked)

    async def post(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """Send anything; a header set to an empty text is left out."""
        sent = {"authorization": f"Bearer {self.token}", **headers}
        present = {name: value for name, value in sent.items() if value}
        if isinstance(body, bytes):
            present.setdefault("content-type", "application/json")
            return await self.http.post(path, content=body, headers=present)
        return await self.http.post(path, json=body, headers=present)


async def told(answer: httpx2.Response) -> Any:
    """What became of it: always 200, never stored."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()
