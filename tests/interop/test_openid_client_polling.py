"""What npm's openid-client makes of the answers of a token endpoint that are not tokens."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from tests.interop.node_program import NodeProgram, node_program
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.service_process import WallClock
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


def unsigned(client_id: str, interval: int) -> WireClient:
    """A client of CIBA Core that may poll every ``interval`` seconds."""
    metadata = {"backchannel_authentication_request_signing_alg": None}
    return WireClient(client_id, metadata={**metadata, "polling_interval": interval})


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client that may poll every second."""
    return unsigned("shop", 1)


@pytest.fixture(scope="module")
def slow_shop() -> WireClient:
    """A client whose interval is longer than the second by which any poll may be early."""
    return unsigned("slow-shop", 2)


@pytest.fixture
async def service(
    run_service: ServiceRunner, shop: WireClient, slow_shop: WireClient
) -> AsyncIterator[RunningService]:
    """A service whose clock stands still unless the test moves it."""
    async with run_service(clients=[shop, slow_shop]) as running:
        yield running
        assert running.telemetry.failures == []


def polling(service: RunningService, shop: WireClient) -> AbstractAsyncContextManager[NodeProgram]:
    """A program that asks for Alice and polls until it has an answer."""
    request = {"scope": "openid", "login_hint": "alice", "requested_expiry": "30"}
    options = {
        "issuer": service.issuer,
        "client_id": shop.client_id,
        "alg": shop.alg,
        "key": shop.key.as_dict(private=True),
        "clock_skew": service.clock.now() - WallClock().now(),
        "request": request,
    }
    return node_program("openid_client/polling.mjs", options)


async def failure(program: NodeProgram) -> tuple[int, str]:
    """Status and code of the error that openid-client raised at last."""
    told = await program.next("failed")
    assert told["name"] == "ResponseBodyError"
    return told["status"], told["error"]


@pytest.mark.clause("ciba-11-4")
async def test_a_denial_is_surfaced(service: RunningService, shop: WireClient, phone: WirePhone):
    """It raises ``access_denied`` at the first poll after the denial."""
    async with polling(service, shop) as program:
        await program.next("acknowledged")
        (challenge,) = await phone.fetch()
        await phone.decide(phone.denial(challenge))
        assert (await program.next("answered"))["error"] == "access_denied"
        assert await failure(program) == (400, "access_denied")


@pytest.mark.usefixtures("phone")
@pytest.mark.clause("ciba-11-1", "ciba-11-3", "ciba-11-8")
async def test_an_expiry_is_surfaced(service: RunningService, shop: WireClient):
    """It polls while the request is pending and raises ``expired_token`` when it is not."""
    async with polling(service, shop) as program:
        assert (await program.next("acknowledged"))["expires_in"] == 30
        assert (await program.next("answered"))["error"] == "authorization_pending"
        service.clock.advance(31)
        assert (await program.next("answered"))["error"] == "expired_token"
        assert await failure(program) == (400, "expired_token")


@pytest.mark.clause("ciba-11-2")
async def test_it_slows_down_as_told(
    service: RunningService, slow_shop: WireClient, phone: WirePhone
):
    """After ``slow_down`` it waits five seconds longer, which the service then finds enough."""
    async with polling(service, slow_shop) as program:
        await program.next("acknowledged")
        assert (await program.next("answered"))["error"] == "authorization_pending"
        early = await program.next("answered")
        assert early["error"] == "slow_down"
        service.clock.advance(7)
        await phone.approve_next()
        answered = await program.next("answered")
        assert answered["status"] == 200
        assert answered["at"] - early["at"] > 6_900
        assert (await program.next("tokens"))["claims"]["sub"] == "alice"
