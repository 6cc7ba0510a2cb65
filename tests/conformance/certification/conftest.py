"""The plan, once for each way to authenticate and for each way to learn of a decision.

What succeeds, what is published and what is pinged runs for all. What is refused before the way
in question matters runs for ``SAMPLE``: both kinds of authentication, of registration and of mode.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from ciba_service.stores.driver.target import RedisTarget
from tests.conformance.certification.bank import Bank, certified_bank
from tests.conformance.certification.pings import hold_all_pings
from tests.conformance.certification.suite_client import PING, Method, Variant
from tests.redis.servers import flush_all
from tests.wire.callback_endpoint import callback_endpoint

STATIC = tuple(Variant(method) for method in Method)
DYNAMIC = tuple(
    Variant(method, is_dynamic=True)
    for method in (Method.PRIVATE_KEY_JWT, Method.SELF_SIGNED_TLS_CLIENT_AUTH)
)
POLLING = STATIC + DYNAMIC
PINGED = tuple(replace(each, mode=PING) for each in POLLING)
VARIANTS = POLLING + PINGED
SAMPLE = (POLLING[0], PINGED[-1])


def for_variants(*variants: Variant) -> pytest.MarkDecorator:
    """Run a test for these variants only."""
    return pytest.mark.parametrize("variant", variants, indirect=True, ids=str)


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
    async with (
        callback_endpoint(directory) as notifications,
        certified_bank(
            embedded_target, directory, variant, notifications, refreshes=refreshes
        ) as bank,
    ):
        yield bank
        hold_all_pings(bank)
        assert bank.running.telemetry.failures == []
