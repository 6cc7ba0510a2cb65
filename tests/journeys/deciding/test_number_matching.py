"""Number matching with library and simulator: the SDK shows the code, a user types it."""

import asyncio
import io
from pathlib import Path

import pytest

from authenticator_sim.commands.oneshot import OneShotOptions, approve
from authenticator_sim.errors import MissingFactor
from ciba_client import CibaClient, ClientConfiguration, parse_signing_key
from ciba_service.sca.messages import transaction_id
from tests.client_time import ClientTime
from tests.services.service_fixtures import ServiceRunner
from tests.services.simulated_phone import enrolled_state, surroundings
from tests.wire.client import WireClient


async def test_what_the_sdk_shows_is_typed_on_the_simulator(
    run_service: ServiceRunner, tmp_path: Path
):
    """Without the code the phone does not approve, with a wrong one it is refused."""
    kiosk = WireClient("kiosk", metadata={"require_verification_code": True})
    async with run_service(clients=[kiosk]) as service:
        state = await enrolled_state(service, tmp_path / "phone")
        options = OneShotOptions(state=state, ca_file=None, json=True)
        world = surroundings(service, io.StringIO())
        key = parse_signing_key(kiosk.key.as_pem(private=True), kid="key-1")
        configuration = ClientConfiguration(issuer=service.issuer, client_id="kiosk", key=key)
        async with (
            CibaClient(configuration, clock=ClientTime(service.clock)) as client,
            client.authenticate(login_hint="alice") as pending,
        ):
            code = pending.verification_code
            assert code is not None
            name = transaction_id(pending.auth_req_id.value)
            with pytest.raises(MissingFactor):
                await approve(name, options, world, pin_file=None, verification_code=None)
            wrong = f"{(int(code) + 1) % 1_000_000:06}"
            assert not await approve(name, options, world, pin_file=None, verification_code=wrong)
            assert await approve(name, options, world, pin_file=None, verification_code=code)
            tokens = await pending.tokens()
    assert tokens.id_token.claims["amr"] == ["pop", "pin", "mfa"]


async def test_other_clients_show_no_code(run_service: ServiceRunner, till: WireClient):
    """None is None."""
    async with run_service(clients=[till]) as service:
        await service.enrolled_phone("alice")
        key = parse_signing_key(till.key.as_pem(private=True), kid="key-1")
        configuration = ClientConfiguration(issuer=service.issuer, client_id="till", key=key)
        async with (
            CibaClient(configuration, clock=ClientTime(service.clock)) as client,
            client.authenticate(login_hint="alice") as pending,
        ):
            assert pending.verification_code is None


async def test_polls_of_the_sdk_are_held(run_service: ServiceRunner, till: WireClient):
    """With ``polling_wait`` the tokens are there as soon as the user has approved."""
    async with run_service(clients=[till]) as service:
        alice = await service.enrolled_phone("alice")
        key = parse_signing_key(till.key.as_pem(private=True), kid="key-1")
        configuration = ClientConfiguration(
            issuer=service.issuer, client_id="till", key=key, polling_wait=25
        )
        async with (
            CibaClient(configuration, clock=ClientTime(service.clock)) as client,
            client.authenticate(login_hint="alice") as pending,
        ):
            started_at = service.clock.now()
            tokens = asyncio.create_task(pending.tokens())
            async with asyncio.timeout(10):
                while not service.service.held.held:  # noqa: ASYNC110 - it is in the service
                    await asyncio.sleep(0)
            await alice.approve_next()
            assert (await tokens).id_token.claims["sub"] == "alice"
            assert service.clock.now() == started_at + pending.interval
