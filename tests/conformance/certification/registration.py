"""Clients of a plan that register themselves before each module, and are removed after it."""

import hashlib
from dataclasses import dataclass, field

import httpx2

from tests.conformance.certification.answers import json_of
from tests.conformance.certification.suite_client import SuiteClient

INITIAL_ACCESS_TOKEN = "certification-may-register"


def permission() -> dict[str, str]:
    """The table of the configuration that lets them."""
    digest = hashlib.sha256(INITIAL_ACCESS_TOKEN.encode()).hexdigest()
    return {"name": "certification", "sha256": digest}


@dataclass(frozen=True)
class Registered:
    """Where a registration is managed, and the token for it."""

    uri: str
    access_token: str = field(repr=False)

    async def remove(self, http: httpx2.AsyncClient) -> None:
        """Hold that it goes with 204 exactly."""
        headers = {"Authorization": f"Bearer {self.access_token}"}
        assert (await http.delete(self.uri, headers=headers)).status_code == 204


async def register(client: SuiteClient) -> Registered:
    """Register a client, which then knows its ``client_id``; hold what it is answered."""
    answer = await client.http.post(
        client.endpoint("registration_endpoint"),
        json=dict(client.members),
        headers={
            "Authorization": f"Bearer {INITIAL_ACCESS_TOKEN}",
            "Accept": "application/json",
        },
    )
    assert answer.status_code == 201, answer.text
    body = json_of(answer)
    assert not {"error", "client_secret", "client_secret_expires_at"} & body.keys()
    assert body["registration_client_uri"].startswith("https://")
    client.client_id = body["client_id"]
    return Registered(body["registration_client_uri"], body["registration_access_token"])
