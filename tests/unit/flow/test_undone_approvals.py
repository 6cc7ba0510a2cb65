"""An approval that a failover takes back after it was read: it is pending, and nothing else."""

import pytest

from ciba_service.sca.messages import transaction_id
from ciba_service.stores.asking.transactions import RedisTransactions
from ciba_service.stores.keys import transaction_key
from tests.services.running_service import RunningService
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone


def undo_at_confirmation(
    service: RunningService, auth_req_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a new master take over that has no approval, once, when the replicas are asked."""
    key = transaction_key(transaction_id(auth_req_id))

    async def undo(_: RedisTransactions, name: str) -> None:
        assert name == transaction_id(auth_req_id)
        monkeypatch.undo()
        await service.commands.call("HSET", key, "s", "pending")
        await service.commands.call("HDEL", key, "o:approve", "d", "u", "sr")

    monkeypatch.setattr(RedisTransactions, "confirm", undo)


async def approved(service: RunningService, phone: WirePhone) -> tuple[str, str]:
    """A request and the decision that approved it."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge)
    assert (await phone.decide(decision))["type"] == "accepted"
    return auth_req_id, decision


async def test_a_decision_sent_again_does_not_approve_what_was_undone(
    service: RunningService, phone: WirePhone, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """It was proved to the old master: the new one asks for it again, and has all of it then."""
    auth_req_id, decision = await approved(service, phone)
    undo_at_confirmation(service, auth_req_id, monkeypatch)
    assert (await phone.send({"type": "decide", "decision": decision})).status_code == 503
    assert [each.name for each in service.telemetry.failures] == ["store_unavailable"]
    service.telemetry.failures.clear()
    assert (await till.poll(auth_req_id)).json()["error"] == "authorization_pending"
    assert (await phone.decide(decision))["type"] == "accepted"
    assert (await till.poll(auth_req_id)).status_code == 200


async def test_a_redemption_of_what_was_undone_is_pending(
    service: RunningService, phone: WirePhone, till: WireClient, monkeypatch: pytest.MonkeyPatch
):
    """The client asks on, and gets its tokens when the phone has decided again."""
    auth_req_id, decision = await approved(service, phone)
    undo_at_confirmation(service, auth_req_id, monkeypatch)
    answer = await till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "authorization_pending")
    assert (await phone.decide(decision))["type"] == "accepted"
    assert (await till.poll(auth_req_id)).status_code == 200
