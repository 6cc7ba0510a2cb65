"""Approve, deny, or let it pass: the three ways a request ends, and what its client learns."""

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from ciba_service.sca.messages import transaction_id
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of


@pytest.mark.clause("ciba-8-1", "ciba-10.1.1-3", "ciba-11-1", "oidc-3.1.2.4-1", "nist63b-3.1.3.1-1")
async def test_nothing_is_issued_before_the_user_decided(service: RunningService, phone: WirePhone):
    """A poll before the decision gets an error and no token; the same poll after it gets them."""
    auth_req_id = await service.till.started()
    early = await service.till.poll(auth_req_id)
    assert (early.status_code, early.json()["error"]) == (400, "authorization_pending")
    assert early.json().keys() == {"error", "error_description"}
    await phone.approve_next()
    service.clock.advance(5)
    assert (await service.till.poll(auth_req_id)).status_code == 200


@pytest.mark.clause("oidc-2-3", "rfc9068-2.2.1-1")
async def test_tokens_say_how_the_user_was_authenticated(service: RunningService, phone: WirePhone):
    """Both tokens name user, client, time and means of the authentication, and agree on them."""
    auth_req_id = await service.till.started()
    service.clock.advance(20)
    approved_at = service.clock.now()
    await phone.approve_next()
    service.clock.advance(7)
    tokens = (await service.till.poll(auth_req_id)).json()
    id_token, access_token = (claims_of(tokens[name]) for name in ("id_token", "access_token"))
    assert id_token["iss"] == service.issuer
    assert (id_token["sub"], id_token["aud"]) == ("alice", "till")
    assert id_token["iat"] == service.clock.now() < id_token["exp"]
    assert header_of(tokens["id_token"])["alg"] == "ES256"
    assert "urn:openid:params:jwt:claim:auth_req_id" not in id_token
    facts = {name: id_token[name] for name in ("auth_time", "acr", "amr", "txn")}
    assert facts == {name: access_token[name] for name in facts}
    assert facts["auth_time"] == approved_at
    assert facts["amr"] == ["pop", "pin", "mfa"]


@pytest.mark.clause("rfc9068-2.1-1", "rfc9068-2.2-1", "rfc9068-2.2.3-1", "rfc10027-6.1.10-1")
async def test_access_tokens_are_typed_short_lived_jwts(service: RunningService, phone: WirePhone):
    """The access token is an at+jwt of a few minutes with every claim a resource server needs."""
    auth_req_id = await service.till.started(scope="openid profile")
    await phone.approve_next()
    tokens = (await service.till.poll(auth_req_id)).json()
    assert header_of(tokens["access_token"])["typ"] == "at+jwt"
    published = KeySet.import_key_set((await service.http.get("/jwks")).json())
    jws.deserialize_compact(tokens["access_token"], published, algorithms=["ES256"])
    claims = claims_of(tokens["access_token"])
    assert claims.keys() >= {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"}
    assert claims["scope"] == tokens["scope"] == "openid profile"
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] <= 300


@pytest.mark.clause("oidc-3.1.3.3-2", "rfc6749-5.1-1")
async def test_answers_with_tokens_are_never_cached(service: RunningService, phone: WirePhone):
    """A token answer is JSON with a bearer token and must not be stored."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    answer = await service.till.poll(auth_req_id)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("reason", ["declined", "not_me"])
@pytest.mark.clause("ciba-11-4")
async def test_a_denial_ends_the_request(service: RunningService, phone: WirePhone, reason: str):
    """Whatever reason the user gives, the client is told access_denied and nothing more."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    assert (await phone.decide(phone.denial(challenge, reason)))["type"] == "accepted"
    answer = await service.till.poll(auth_req_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    assert await phone.fetch() == []


@pytest.mark.parametrize("first", ["approve", "deny"])
async def test_a_second_decision_changes_nothing(
    service: RunningService, phone: WirePhone, first: str
):
    """Once decided, the opposite decision is refused and the first one stands."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decisions = [phone.approval(challenge), phone.denial(challenge)]
    if first == "deny":
        decisions.reverse()
    assert (await phone.decide(decisions[0]))["verdict"] == first
    late = await phone.decide(decisions[1])
    assert (late["type"], late["reason"]) == ("refused", "not_open")
    status = (await service.till.poll(auth_req_id)).status_code
    assert status == (200 if first == "approve" else 400)


@pytest.mark.clause("ciba-11-3", "ciba-7.1-18", "rfc10027-6.1.2-1", "nist63b-3.1.3.2-2")
async def test_an_unanswered_request_expires(service: RunningService, phone: WirePhone):
    """At its expiry the prompt is withdrawn, approvals are refused, and the client is told."""
    answer = (await service.till.start(requested_expiry=60)).json()
    assert answer["expires_in"] == 60
    longest = await service.till.start(requested_expiry=100_000, login_hint="alice@example.org")
    assert longest.json()["expires_in"] == 600
    async with phone.online() as socket:
        (offered,) = [
            message
            for message in socket.first
            if claims_of(message["challenge"])["transaction_id"]
            == transaction_id(answer["auth_req_id"])
        ]
        service.clock.advance(60)
        withdrawn = await socket.next("withdrawn")
        assert withdrawn["reason"] == "expired"
        late = await socket.decide(phone.approval(offered["challenge"]))
        assert (late["type"], late["reason"]) == ("refused", "not_open")
    assert (await service.till.poll(answer["auth_req_id"])).json()["error"] == "expired_token"


@pytest.mark.clause("ciba-11-8")
async def test_the_record_outlives_its_expiry(service: RunningService, phone: WirePhone):
    """Ten minutes after the expiry its owner is still told expired_token and not invalid_grant."""
    auth_req_id = await service.till.started()
    service.clock.advance(180 + 599)
    assert (await service.till.poll(auth_req_id)).json()["error"] == "expired_token"
    assert await phone.fetch() == []


async def test_an_approval_in_the_last_second_is_redeemable_for_a_minute(
    service: RunningService, phone: WirePhone
):
    """Whoever approves in time is not punished by the expiry that follows at once."""
    auth_req_id = await service.till.started()
    service.clock.advance(179)
    assert (await phone.approve_next())["type"] == "accepted"
    service.clock.advance(59)
    assert (await service.till.poll(auth_req_id)).status_code == 200


async def test_an_approval_that_nobody_redeems_expires(service: RunningService, phone: WirePhone):
    """A minute after an approval in the last second it is worth nothing any more."""
    auth_req_id = await service.till.started()
    service.clock.advance(179)
    await phone.approve_next()
    service.clock.advance(61)
    assert (await service.till.poll(auth_req_id)).json()["error"] == "expired_token"


async def test_a_resent_decision_gets_its_first_outcome(service: RunningService, phone: WirePhone):
    """A phone that lost the answer sends the same bytes again, before and after redemption."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge)
    first = await phone.decide(decision)
    assert first["type"] == "accepted"
    assert await phone.decide(decision) == first
    assert (await service.till.poll(auth_req_id)).status_code == 200
    assert await phone.decide(decision) == first


async def test_a_resent_wrong_decision_costs_one_attempt(service: RunningService, phone: WirePhone):
    """The same bytes are the same attempt, however often they come."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge, pin=False)
    outcomes = [await phone.decide(decision) for _ in range(6)]
    assert {outcome["attempts_left"] for outcome in outcomes} == {4}


@pytest.mark.clause("ciba-7.1-15", "sca-art5-1", "fapi1-p1-5.2.2-17", "fapi2-sp-5.3.2.2-13")
async def test_the_phone_shows_what_was_asked(service: RunningService, phone: WirePhone):
    """The challenge carries client and binding message to the letter."""
    await service.till.started(binding_message="Ärger 42 €", scope="openid profile")
    (challenge,) = await phone.fetch()
    display = claims_of(challenge)["display"]
    assert display["binding_message"] == "Ärger 42 €"
    assert display["client"] == "Shop till"
    assert display["shares"] == ["Your identity", "Your name and profile"]
