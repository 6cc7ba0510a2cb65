"""The client library takes back what it asked for, while it polls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ciba_client import (
    AccessDenied,
    AuthReqId,
    CancellationRefused,
    CibaClient,
    ClientConfiguration,
    RequestCancelled,
    parse_signing_key,
)
from tests.client_time import ClientTime
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient


@asynccontextmanager
async def library(run_service: ServiceRunner, **metadata: Any) -> AsyncIterator[Any]:
    """A service, and the library of one of its clients."""
    till = WireClient("till", metadata=metadata)
    async with run_service(clients=[till]) as bank:
        configuration = ClientConfiguration(
            issuer=bank.issuer,
            client_id="till",
            key=parse_signing_key(till.key.as_pem(private=True), kid="key-1"),
        )
        async with CibaClient(configuration, clock=ClientTime(bank.clock)) as client:
            yield bank, client
        assert bank.telemetry.failures == []


ASK = {"login_hint": "alice", "binding_message": "W4SCT"}


async def test_a_held_poll_ends_as_its_request_is_cancelled(run_service: ServiceRunner):
    """The service answers the poll it holds at once, and whoever waits hears what happened."""
    patient = {"polling_wait": 25}
    async with library(run_service, **patient) as (bank, client):
        phone = await bank.enrolled_phone("alice")
        async with client.authenticate(**ASK) as pending:
            waiting = asyncio.create_task(pending.tokens())
            async with asyncio.timeout(10):
                while not bank.service.held.held:  # noqa: ASYNC110 - known to the service alone
                    await asyncio.sleep(0)
            assert await pending.cancel() is True
            with pytest.raises(RequestCancelled):
                await waiting
            assert await phone.fetch() == []


async def test_a_decision_that_was_faster_stays(run_service: ServiceRunner):
    """Cancelling changes nothing of it."""
    async with library(run_service) as (bank, client):
        phone = await bank.enrolled_phone("alice")
        async with client.authenticate(**ASK) as pending:
            (challenge,) = await phone.fetch()
            await phone.decide(phone.denial(challenge))
            assert await pending.cancel() is False
            with pytest.raises(AccessDenied):
                await pending.tokens()


async def test_what_nobody_asked_for_cannot_be_cancelled(run_service: ServiceRunner):
    """An id that never was."""
    async with library(run_service) as (_, client):
        with pytest.raises(CancellationRefused, match="invalid_grant"):
            await client.cancel(AuthReqId("A" * 43))
