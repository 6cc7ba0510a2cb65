"""A service with two operators, and its page in a browser."""

from collections.abc import AsyncIterator

import pytest

from tests.browser.conftest import ContextOpener
from tests.browser.operator_page.driven import OperatorPage, operator_page
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.operator import new_tokens, operators_section
from tests.wire.registration import registration_section


@pytest.fixture
def tokens() -> dict[str, str]:
    """Of one who reads, and one who writes."""
    return new_tokens()


@pytest.fixture
async def service(
    run_service: ServiceRunner, till: WireClient, tokens: dict[str, str]
) -> AsyncIterator[RunningService]:
    """A service that has operators; clients may register."""
    sections = {
        "operators": operators_section(tokens),
        "registration": registration_section(),
        "device": {"phone_url": "http://localhost:8070/"},
    }
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def console(
    service: RunningService, tokens: dict[str, str], new_context: ContextOpener
) -> AsyncIterator[OperatorPage]:
    """The page, not signed in yet."""
    async with operator_page(service, tokens, new_context) as page:
        yield page
