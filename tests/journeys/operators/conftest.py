"""A service with two operators, one who reads and one who writes."""

from collections.abc import AsyncIterator

import pytest

from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.operator import Operators, new_tokens, operating, operators_section
from tests.wire.registration import registration_section


@pytest.fixture
def tokens() -> dict[str, str]:
    """Theirs."""
    return new_tokens()


@pytest.fixture
async def service(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient, tokens: dict[str, str]
) -> AsyncIterator[RunningService]:
    """As most tests have it, with operators; clients may register."""
    sections = {"operators": operators_section(tokens), "registration": registration_section()}
    async with run_service(clients=[till, other_till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def operators(service: RunningService, tokens: dict[str, str]) -> AsyncIterator[Operators]:
    """Them."""
    async with operating(service, tokens) as there:
        yield there
