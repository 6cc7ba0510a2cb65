"""The poll journey, over real HTTP and WebSocket: ask, approve, collect."""

import pytest

from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of


@pytest.mark.clause("ciba-10.1.1-1", "ciba-7.3-1", "oidc-3.1.3.3-1")
async def test_an_approved_request_gives_tokens(service: RunningService, phone: WirePhone):
    """A signed request is shown on the phone, approved with the PIN, and redeemed by a poll."""
    async with phone.online() as socket:
        auth_req_id = await service.till.started()
        challenge = (await socket.next("challenge"))["challenge"]
        assert (await service.till.poll(auth_req_id)).json()["error"] == "authorization_pending"
        outcome = await socket.decide(phone.approval(challenge))
        assert outcome["type"] == "accepted"
        answer = await service.till.poll(auth_req_id)
    assert answer.status_code == 200
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    assert header_of(tokens["access_token"])["typ"] == "at+jwt"
