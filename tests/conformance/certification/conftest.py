"""The plan, once for each way to authenticate."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.stores.driver.target import RedisTarget
from tests.conformance.certification.bank import Bank, certified_bank
from tests.conformance.certification.suite_client import Method, Variant
from tests.redis_servers import flush_all

STATIC = tuple(Variant(method) for method in Method)
DYNAMIC = tuple(
    Variant(method, is_dynamic=True)
    for method in (Method.PRIVATE_KEY_JWT, Method.SELF_SIGNED_TLS_CLIENT_AUTH)
)
VARIANTS = STATIC + DYNAMIC


@pytest.fixture(params=VARIANTS, ids=str)
def variant(request: pytest.FixtureRequest) -> Variant:
    """What the plan is run for."""
    assert isinstance(request.param, Variant)
    return request.param


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where keys and certificates are."""
    return tmp_path_factory.mktemp("certification")


@pytest.fixture
def refreshes(variant: Variant) -> bool:
    """Whether the clients register for refresh tokens: dynamic ones in one module only."""
    return not variant.is_dynamic


@pytest.fixture
async def bank(
    embedded_target: RedisTarget, directory: Path, variant: Variant, *, refreshes: bool
) -> AsyncIterator[Bank]:
    """The provider of this variant."""
    await flush_all(embedded_target)
    async with certified_bank(embedded_target, directory, variant, refreshes=refreshes) as bank:
        yield bank
        assert bank.running.telemetry.failures == []
