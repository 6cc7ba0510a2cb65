"""The logo of a client on the phone: shown, signed, and fetched from nobody but the service."""

import base64
import hashlib
from dataclasses import replace
from io import StringIO
from pathlib import Path

from msgspec import structs

from authenticator_sim.commands.oneshot import OneShotOptions, approve
from ciba_service.protocol.client.logo import parse_logo
from ciba_service.protocol.client.metadata import register_client
from ciba_service.sca.messages import transaction_id
from tests.png import png
from tests.services.service_fixtures import ServiceRunner
from tests.services.simulated_phone import enrolled_state, surroundings
from tests.wire.client import WireClient
from tests.wire.signing import claims_of

PICTURE = png(width=8, height=8)
NAME = base64.urlsafe_b64encode(hashlib.sha256(PICTURE).digest()).rstrip(b"=").decode()
PAGE = "https://app.bank.example"


def shop(tmp_path: Path) -> WireClient:
    """A client with a logo."""
    file = tmp_path / "till.png"
    file.write_bytes(PICTURE)
    return WireClient("till", metadata={"logo_file": str(file)})


async def test_what_is_signed_names_the_logo_and_the_service_serves_it(
    run_service: ServiceRunner, other_till: WireClient, tmp_path: Path
):
    """By its hash, for ever the same, and to allowed pages as well; others have no logo."""
    sections = {"device": {"allowed_origins": [PAGE]}}
    clients = [shop(tmp_path), other_till]
    async with run_service(clients=clients, sections=sections) as service:
        phone = await service.enrolled_phone()
        await service.till.started()
        (challenge,) = await phone.fetch()
        assert claims_of(challenge)["display"]["logo"] == NAME
        assert (await phone.decide(phone.approval(challenge)))["type"] == "accepted"
        await other_till.started()
        (challenge,) = await phone.fetch()
        assert "logo" not in claims_of(challenge)["display"]

        answer = await service.http.get(f"/device/logos/{NAME}", headers={"origin": PAGE})
        assert (answer.status_code, answer.content) == (200, PICTURE)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["access-control-allow-origin"] == PAGE
        looked = await service.http.head(f"/device/logos/{NAME}")
        assert (looked.status_code, looked.content) == (200, b"")
        assert looked.headers["content-length"] == str(len(PICTURE))
        unknown = await service.http.get(f"/device/logos/{'A' * 43}")
        assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found")
        refused = await service.http.post(f"/device/logos/{NAME}")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
        assert service.telemetry.failures == []


async def test_logos_come_and_go_with_their_clients(run_service: ServiceRunner, till: WireClient):
    """What a reload brings is signed from then on, and so has to be served."""
    async with run_service(clients=[till]) as service:
        clients, place = service.settings.clients, f"/device/logos/{NAME}"
        shown = tuple(replace(client, logo=parse_logo(PICTURE)) for client in clients)
        assert (await service.http.get(place)).status_code == 404
        service.service.reload(structs.replace(service.settings, clients=shown))
        assert (await service.http.get(place)).content == PICTURE
        service.service.reload(service.settings)
        assert (await service.http.get(place)).status_code == 404


async def test_a_terminal_shows_no_logo_and_approves_all_the_same(
    run_service: ServiceRunner, tmp_path: Path
):
    """What it signs has the logo's hash in it."""
    async with run_service(clients=[shop(tmp_path)]) as service:
        state = await enrolled_state(service, tmp_path / "phone")
        auth_req_id = await service.till.started()
        options = OneShotOptions(state=state, ca_file=None, json=False)
        world = surroundings(service, screen := StringIO())
        assert await approve(
            transaction_id(auth_req_id), options, world, pin_file=None, verification_code=None
        ), screen.getvalue()
        service.clock.advance(5)
        assert (await service.till.poll(auth_req_id)).status_code == 200


def test_no_client_gives_itself_a_logo():
    """Nobody has looked at it: what registers brings no picture, and no file to be read."""
    members = WireClient("till").registration() | {
        "logo_file": "/etc/hostname",
        "logo_uri": "https://till.example/logo.png",
    }
    assert register_client(members).logo is None
