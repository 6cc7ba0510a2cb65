"""What the token side asks of Redis: one awaited flush each (DESIGN of the store)."""

from collections.abc import AsyncIterator

import pytest

from ciba_service.protocol.tokens.token_text import transaction_of
from tests.services.idle_worker import make_idle
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.resource import FAPI2, PAYMENT, Holder, holder
from tests.wire.tokens import (
    API,
    REFRESHING,
    granted,
    introspect,
    refresh,
    resource_server,
    revoke,
    userinfo,
)


@pytest.fixture(scope="module")
def shop() -> WireClient:
    """A client with refresh tokens."""
    return WireClient("shop", metadata=REFRESHING)


@pytest.fixture(scope="module")
def api() -> WireClient:
    """The resource server."""
    return resource_server()


@pytest.fixture
async def quiet(
    run_service: ServiceRunner,
    shop: WireClient,
    api: WireClient,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[RunningService, dict[str, str]]]:
    """A service whose scripts are known and whose worker waits, and tokens of it."""
    sections = {"tokens": {"audience": API}}
    async with run_service(clients=[shop, api], sections=sections) as service:
        make_idle(service.service.worker, monkeypatch)
        service.phones.append(await service.enrolled_phone("alice"))
        tokens = await granted(shop, service.phones[0])
        await refresh(shop, tokens["refresh_token"])
        await introspect(api, tokens["access_token"])
        service.clock.advance(0)
        yield service, tokens


async def test_a_refresh_takes_three(
    quiet: tuple[RunningService, dict[str, str]], shop: WireClient
):
    """Authenticate and find, look at the accounts, store."""
    service, tokens = quiet
    before = service.commands.flushes
    assert (await refresh(shop, tokens["refresh_token"])).status_code == 200
    assert service.commands.flushes - before == 3


async def test_an_introspection_takes_two(
    quiet: tuple[RunningService, dict[str, str]], api: WireClient
):
    """Authenticate and find, look at the accounts; one for what is no token."""
    service, tokens = quiet
    for token, trips in ((tokens["access_token"], 2), ("x", 1), ("A" * 64, 1)):
        before = service.commands.flushes
        assert (await introspect(api, token)).status_code == 200
        assert service.commands.flushes - before == trips


async def test_a_revocation_takes_two(
    quiet: tuple[RunningService, dict[str, str]], shop: WireClient
):
    """Authenticate and find, end."""
    service, tokens = quiet
    before = service.commands.flushes
    assert (await revoke(shop, tokens["refresh_token"])).status_code == 200
    assert service.commands.flushes - before == 2


async def test_a_redemption_that_lasts_takes_three(
    quiet: tuple[RunningService, dict[str, str]], shop: WireClient
):
    """Authenticate and read, look at the accounts and take a place, swap."""
    service, _ = quiet
    auth_req_id = await shop.started()
    await service.phones[0].approve_next()
    before = service.commands.flushes
    assert "refresh_token" in (await shop.poll(auth_req_id)).json()
    assert service.commands.flushes - before == 3


async def test_accesses_are_listed_in_three_and_ended_in_three(
    quiet: tuple[RunningService, dict[str, str]],
):
    """However many there are."""
    service, tokens = quiet
    (phone,) = service.phones
    name = transaction_of(tokens["refresh_token"])
    async with phone.online() as socket:
        before = service.commands.flushes
        await socket.send({"type": "list_accesses"})
        assert (await socket.next("accesses"))["lasting"] == [name]
        assert service.commands.flushes - before == 3
        before = service.commands.flushes
        await socket.send({"type": "end_access", "transaction_id": name})
        assert (await socket.receive())["type"] == "access_ended"
        assert service.commands.flushes - before == 3


@pytest.fixture
async def holding(
    run_service: ServiceRunner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Holder]:
    """The holder of a bound token; the scripts and the nonce are known, the worker waits."""
    bound = WireClient("bound", metadata=FAPI2)
    async with run_service(clients=[bound]) as service:
        make_idle(service.service.worker, monkeypatch)
        phone = await service.enrolled_phone()
        options = {"scope": "openid accounts", "authorization_details": [PAYMENT]}
        await (await holder(service, bound, phone, **options)).pay()
        who = await holder(service, bound, phone, **options)
        yield who


async def test_a_look_at_accounts_takes_two(holding: Holder):
    """Find; look at the accounts of user and client, and spend the proof."""
    before = holding.service.commands.flushes
    assert (await holding.accounts()).status_code == 200
    assert holding.service.commands.flushes - before == 2


async def test_a_payment_takes_three(holding: Holder):
    """The same, then execute."""
    before = holding.service.commands.flushes
    assert (await holding.pay()).status_code == 201
    assert holding.service.commands.flushes - before == 3


async def test_userinfo_takes_two(quiet: tuple[RunningService, dict[str, str]]):
    """Find, look at the accounts."""
    service, tokens = quiet
    before = service.commands.flushes
    assert (await userinfo(service, tokens["access_token"])).status_code == 200
    assert service.commands.flushes - before == 2
