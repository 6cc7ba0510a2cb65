"""An operator lets a client register, and removes it again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.services.service_process import Installation, installation
from tests.wire.registration import bearer, metadata_of, registration_section
from tests.wire.signing import new_key


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation that takes no registrations yet."""
    async with installation(tmp_path) as place:
        place.configure()
        yield place


async def test_a_client_registers_with_a_token_and_is_removed(place: Installation):
    """What the command prints is what the configuration wants; a removed client is nobody."""
    made = (await place.command("clients", "token", "--json")).json()
    permission = {"name": "shop", "sha256": made["sha256"]}
    place.configure(registration=registration_section(initial_access_tokens=[permission]))
    service = await place.serve()
    headers = bearer(made["initial_access_token"])
    answer = await place.http.post("/register", json=metadata_of(new_key()), headers=headers)
    told = answer.json()
    assert answer.status_code == 201, answer.text
    till, shop = (await place.command("clients", "list", "--json")).json()
    assert (till["client_id"], till["origin"]) == ("till", "configured")
    assert shop.pop("since").endswith("+00:00")
    assert shop == {
        "client_id": told["client_id"],
        "name": "Corner shop",
        "profile": "ciba-core",
        "mode": "poll",
        "origin": "registered",
    }
    for verb in ("disable", "enable"):
        suspended = await place.command("clients", verb, told["client_id"])
        said = (suspended.status, suspended.out)
        assert said == (0, f"{told['client_id']} is {verb}d\n")
        assert (await place.command("clients", verb, "till")).status == 1
    removed = await place.command("clients", "remove", told["client_id"])
    assert (removed.status, removed.out) == (0, f"{told['client_id']} is removed\n")
    address, token = told["registration_client_uri"], told["registration_access_token"]
    assert (await place.http.get(address, headers=bearer(token))).status_code == 401
    assert await service.terminate() == 0
    log = service.log.read_text("utf-8")
    assert token not in log
    assert made["initial_access_token"] not in log


async def test_people_read_what_to_configure(place: Installation):
    """The token for the client, and the table for the configuration."""
    said = (await place.command("clients", "token")).out
    assert "initial access token  " in said
    assert "[[registration.initial_access_tokens]]\n" in said
    listed = (await place.command("clients", "list")).out.splitlines()
    assert [line.split()[0] for line in listed] == ["client_id", "till"]
