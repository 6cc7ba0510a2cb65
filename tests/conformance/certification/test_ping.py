"""Certification: ping only. Tests are named after the modules of the plan.

All five ways to be a client are pinged: what an endpoint answers must not matter to any of them.
"""

import pytest

from tests.conformance.certification.answers import Acknowledgement, hold_backchannel_error
from tests.conformance.certification.bank import Bank
from tests.conformance.certification.conftest import PINGED, POLLING, for_variants
from tests.conformance.certification.flow_steps import (
    approve,
    collected,
    completed,
    hold_tokens,
    poll_twice,
)
from tests.conformance.certification.pings import pinged, waited
from tests.conformance.certification.suite_client import LONGEST_TOKEN, new_notification_token
from tests.wire.callback_endpoint import answer

ALL_PINGED = for_variants(*PINGED)
ONE_PINGED = for_variants(PINGED[0])


async def hold_completed(bank: Bank, said: bytes) -> None:
    """Hold that a flow ends with tokens although the endpoint says this."""
    bank.notifications.answers = [said]
    await completed(bank, bank.client)


async def left_alone(bank: Bank, said: bytes, seconds: float) -> Acknowledgement:
    """Hold that for so long nobody comes again to an endpoint that says this, nor elsewhere."""
    bank.notifications.answers = [said]
    pending = await bank.acknowledged(bank.client)
    await poll_twice(bank, bank.client, pending)
    await approve(bank)
    await pinged(bank, bank.client, pending)
    attempted = (await bank.running.telemetry.seen("callback_abandoned")).fields
    assert (attempted["attempts"], attempted["reason"]) == (1, "refused")
    for _ in range(int(seconds)):
        await waited(bank, 1)
    assert len(bank.notifications.received) == 1
    return pending


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-4")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_has_body(bank: Bank):
    """200 and a text are success, as 204 is."""
    await hold_completed(bank, answer("200 OK", "Content-Type: text/plain", body=b"received"))
    await bank.running.telemetry.seen("callback_delivered")


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-6")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_401(bank: Bank):
    """401 with a body."""
    await hold_completed(bank, answer("401 Unauthorized", body=b"{}"))


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-6")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_response_403(bank: Bank):
    """403 with a body."""
    await hold_completed(bank, answer("403 Forbidden", body=b"{}"))


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-6")
async def test_fapi_ciba_id1_ping_with_mtls_ciba_notification_endpoint_response_401_and_require_server_does_not_retry(  # noqa: E501 - its name
    bank: Bank,
):
    """401, five seconds without a second ping, tokens; and half a minute later still none."""
    pending = await left_alone(bank, answer("401 Unauthorized"), 5)
    hold_tokens(bank, bank.client, pending, await bank.client.poll(pending.auth_req_id))
    await waited(bank, 30)
    assert len(bank.notifications.received) == 1


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-5")
async def test_fapi_ciba_id1_ping_backchannel_notification_endpoint_return_redirect_request(
    bank: Bank,
):
    """A redirect is not followed; after fifteen seconds the tokens are there still."""
    elsewhere = bank.notifications.url.replace("/ciba", "/invalid-ciba")
    moved = answer("301 Moved Permanently", f"Location: {elsewhere}")
    pending = await left_alone(bank, moved, 15)
    hold_tokens(bank, bank.client, pending, await bank.client.poll(pending.auth_req_id))


# --- What the other modules say of pings, beyond what their own tests hold ---


@ALL_PINGED
@pytest.mark.clause("ciba-10.2-2")
async def test_expiry_is_not_pinged(bank: Bank):
    """Neither at once nor later: the client was told the time."""
    pending = await bank.acknowledged(bank.client, requested_expiry=10)
    await waited(bank, pending.expires_in)
    await bank.running.telemetry.seen("transaction_expired")
    await waited(bank, 60)
    assert bank.notifications.received == []


@ONE_PINGED
@pytest.mark.clause("ciba-9-2")
async def test_each_ping_bears_the_token_of_its_own_request(bank: Bank):
    """Of two requests of one client, each with another token, up to the longest."""
    for length in (20, LONGEST_TOKEN):
        bank.client.notification_token = new_notification_token(length)
        pending = await bank.acknowledged(bank.client)
        await approve(bank)
        assert (await collected(bank, bank.client, pending)).status_code == 200
    sent = [ping.headers["authorization"] for ping in bank.notifications.received]
    assert len(set(sent)) == 2


@ALL_PINGED
async def test_a_ping_needs_its_token(bank: Bank):
    """A request without client_notification_token is refused (CIBA 7.1)."""
    answered = await bank.client.ask(client_notification_token=None)
    hold_backchannel_error(answered, "invalid_request")


@for_variants(*(each for each in POLLING if not each.is_dynamic))
async def test_who_polls_is_never_pinged(bank: Bank):
    """Though it has registered an endpoint and sends a token for it."""
    sent = {"client_notification_token": new_notification_token(20)}
    await completed(bank, bank.client, **sent)
    await waited(bank, 60)
    assert bank.notifications.received == []
