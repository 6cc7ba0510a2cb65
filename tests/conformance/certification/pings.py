"""What the certification tests hold of pings: when they come, what they say, and how often."""

from ciba_service.stores.keys import partition_of
from tests.conformance.certification.answers import Acknowledgement
from tests.conformance.certification.bank import CALLBACK_DELAY, Bank
from tests.conformance.certification.suite_client import SuiteClient
from tests.wire.callback_endpoint import Received


async def pinged(bank: Bank, client: SuiteClient, pending: Acknowledgement) -> None:
    """Hold that the ping comes a while after the approval was answered, and not before.

    The approval has been answered when this is called; the time has stood still since.
    """
    await waited(bank, CALLBACK_DELAY - 0.001)
    assert pending.auth_req_id not in told(bank)
    bank.clock.advance(0.001)
    ping = await bank.notifications.next()
    hold_ping(ping)
    assert ping.json == {"auth_req_id": pending.auth_req_id}
    scheme, _, token = ping.headers["authorization"].partition(" ")
    assert (scheme.lower(), token) == ("bearer", client.notification_token)


def told(bank: Bank) -> list[str]:
    """What was pinged, in the order of arrival."""
    return [ping.json["auth_req_id"] for ping in bank.notifications.received]


async def waited(bank: Bank, seconds: float) -> None:
    """Let time pass, and all be done that is due by then."""
    bank.clock.advance(seconds)
    for started in bank.running.telemetry.named("transaction_started"):
        partition = partition_of(str(started.fields["transaction_id"]))
        await bank.running.service.worker.work_off(partition)


def hold_ping(ping: Received) -> None:
    """Hold that it is a POST of JSON with an auth_req_id and nothing else, with one token."""
    assert ping.line.split() == ["POST", "/ciba-notification", "HTTP/1.1"]
    assert ping.headers["content-type"].partition(";")[0].strip() == "application/json"
    assert ping.headers["authorization"].lower().startswith("bearer ")
    assert isinstance(ping.json["auth_req_id"], str)
    assert ping.json.keys() == {"auth_req_id"}


def hold_all_pings(bank: Bank) -> None:
    """Hold that each was as it must be and came once, over TLS 1.3; or, to who polls, none."""
    received, server = bank.notifications.received, bank.notifications.server
    assert server is not None
    assert all(bank.client.is_pinged for _ in received)
    for ping in received:
        hold_ping(ping)
    for head in server.requests:
        assert head.lower().count(b"\r\nauthorization:") == 1
    assert {each.version() for each in server.sockets} <= {"TLSv1.3"}
    assert len(set(told(bank))) == len(received)
