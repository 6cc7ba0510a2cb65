"""Every way in which a client may name the user (CIBA 7.1)."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conformance.refusals import assert_refused
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, claims_of
from tests.wire.signing import JoseKey, new_key, public_jwk, sign
from tests.wire.tokens import granted, userinfo

DAY = 86_400
FINDER, ONCE = "https://finder.example", "https://once.example"
KEY = new_key(kid="finder")
HINT_ISSUERS = (
    {"iss": FINDER, "jwks": {"keys": [public_jwk(KEY)]}, "audiences": ["bank"]},
    {"iss": ONCE, "jwks": {"keys": [public_jwk(KEY)]}, "single_use": True},
)
USERS = (
    {
        "sub": "alice",
        "login_hints": ["Alice@example.org", "+49 (30) 12345", "customer-17"],
        "claims": {"name": "Alice Example", "email": "alice@example.org"},
    },
    {"sub": "bob"},
    {"sub": "carol", "enabled": False},
)


@pytest.fixture
async def bank(
    run_service: ServiceRunner, till: WireClient, other_till: WireClient
) -> AsyncIterator[RunningService]:
    """A service that believes two issuers of hints."""
    async with run_service(
        clients=[till, other_till],
        users=USERS,
        hint_issuers=HINT_ISSUERS,
        sections={"requests": {"id_token_hint_days": 30, "open_prompts": 100}},
    ) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def hint_token(
    bank: RunningService, *, iss: str = FINDER, key: JoseKey = KEY, **changed: Any
) -> str:
    """A login hint token about Alice; a claim set to None is left out."""
    claims = {
        "iss": iss,
        "aud": bank.issuer,
        "iat": bank.clock.now(),
        "exp": bank.clock.now() + 60,
        "jti": secrets.token_urlsafe(16),
        "sub_id": {"format": "email", "email": "ALICE@example.org"},
        **changed,
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return sign({"alg": "ES256", "kid": key.kid}, present, key)


@pytest.mark.clause("ciba-7.2-4")
@pytest.mark.parametrize(
    "hint", ["alice", "ALICE@EXAMPLE.ORG", "alice@example.org", "+493012345", "+49 30 123-45"]
)
async def test_a_login_hint_counts_in_any_spelling(
    bank: RunningService, alice: WirePhone, hint: str
):
    """Addresses without regard to capitals, numbers without what separates their digits."""
    tokens = await granted(bank.till, alice, login_hint=hint)
    assert claims_of(tokens["id_token"])["sub"] == "alice"


@pytest.mark.parametrize(
    "hint", ["ALICE", "alice@example.com", f"ciba-handle:{'A' * 22}", "carol", "bob", "nobody"]
)
@pytest.mark.clause("ciba-7.2-4", "ciba-7.2-5", "ciba-13-6")
async def test_a_hint_that_leads_to_nobody_who_can_be_asked(bank: RunningService, hint: str):
    """400 unknown_user_id, whether unknown, disabled or without a phone."""
    assert_refused(await bank.till.start(login_hint=hint), 400, "unknown_user_id")


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "bank"},
        {"sub_id": {"format": "opaque", "id": "customer-17"}},
        {"sub_id": {"format": "phone_number", "phone_number": "+493012345"}},
        {"sub_id": None, "sub": "customer-17"},
    ],
    ids=["email", "audience", "opaque", "phone number", "sub"],
)
async def test_a_known_issuer_names_the_user(
    bank: RunningService, alice: WirePhone, claims: dict[str, Any]
):
    """A login_hint_token leads to the same user as the name in it, as often as it is sent."""
    token = hint_token(bank, **claims)
    for _ in range(2):
        tokens = await granted(bank.till, alice, login_hint=None, login_hint_token=token)
        assert claims_of(tokens["id_token"])["sub"] == "alice"


async def test_an_issuer_names_a_subject_of_this_service(bank: RunningService, alice: WirePhone):
    """By issuer and subject, and then to the letter: a further name is no subject."""
    for subject, status in (("alice", 200), ("Alice@example.org", 400)):
        named = {"format": "iss_sub", "iss": bank.issuer, "sub": subject}
        token = hint_token(bank, sub_id=named)
        answer = await bank.till.start(login_hint=None, login_hint_token=token)
        assert answer.status_code == status
    assert len(await alice.fetch()) == 1


@pytest.mark.clause("fapi-ciba-5.2.2-11")
async def test_a_hint_names_a_user_and_nothing_else(bank: RunningService, alice: WirePhone):
    """An intent as hint leads to nobody; what a hint token says beside its user changes nothing."""
    for intent in ("intent-4711", "urn:openbanking:intent:4711", "alice intent-4711"):
        assert_refused(await bank.till.start(login_hint=intent), 400, "unknown_user_id")
    more = {
        "scope": "openid profile payments",
        "authorization_details": [{"type": "payment_initiation"}],
        "openbanking_intent_id": "4711",
        "acr_values": "urn:openbanking:psd2:ca",
        "binding_message": "another",
    }
    token = hint_token(bank, **more)
    auth_req_id = await bank.till.started(login_hint=None, login_hint_token=token)
    (challenge,) = await alice.fetch()
    display = claims_of(challenge)["display"]
    assert (display["shares"], display["binding_message"]) == (["Your identity"], "W4SCT")
    await alice.decide(alice.approval(challenge))
    access = claims_of((await bank.till.poll(auth_req_id)).json()["access_token"])
    assert (access["scope"], access["acr"]) == ("openid", "urn:openbanking:psd2:sca")
    assert "authorization_details" not in access


@pytest.mark.clause("ciba-13-5")
async def test_an_expired_hint_token_is_told_as_such(bank: RunningService, alice: WirePhone):
    """400 expired_login_hint_token at the second of its expiry."""
    token = hint_token(bank)
    bank.clock.advance(60)
    answer = await bank.till.start(login_hint=None, login_hint_token=token)
    assert_refused(answer, 400, "expired_login_hint_token")
    assert await alice.fetch() == []


@pytest.mark.clause("ciba-14-1")
async def test_a_hint_token_that_proves_nothing(bank: RunningService, alice: WirePhone):
    """Of another issuer, for somebody else, signed by another key, about a stranger."""
    for token in (
        hint_token(bank, iss="https://other.example"),
        hint_token(bank, aud="https://other.example"),
        hint_token(bank, key=new_key(kid="finder")),
        hint_token(bank, sub_id={"format": "opaque", "id": "nobody"}),
    ):
        answer = await bank.till.start(login_hint=None, login_hint_token=token)
        assert_refused(answer, 400, "unknown_user_id")
    assert await alice.fetch() == []


async def test_a_hint_that_counts_once(bank: RunningService, alice: WirePhone):
    """The second request with it is refused, whoever sends it; the slot is free again."""
    token = hint_token(bank, iss=ONCE)
    await bank.till.started(login_hint=None, login_hint_token=token)
    for client in bank.clients.values():
        answer = await client.start(login_hint=None, login_hint_token=token)
        assert_refused(answer, 400, "unknown_user_id")
    assert len(await alice.fetch()) == 1


async def test_a_hint_token_carries_no_handle(bank: RunningService, alice: WirePhone):
    """A handle is a login_hint and nothing else: in a token it names nobody, and is not used up."""
    handle = await alice.handle()
    token = hint_token(bank, sub_id={"format": "opaque", "id": handle})
    answer = await bank.till.start(login_hint=None, login_hint_token=token)
    assert_refused(answer, 400, "unknown_user_id")
    await bank.till.started(login_hint=handle)


async def test_refusals_come_in_one_order(bank: RunningService, alice: WirePhone):
    """A used assertion before a used request object, and that before the hint."""
    till = bank.till
    token = hint_token(bank, iss="https://other.example")
    request = till.request_object(login_hint=None, login_hint_token=token)
    form = {**till.credentials(), "request": request}
    assert_refused(await till.post("/bc-authorize", form), 400, "unknown_user_id")
    assert_refused(await till.post("/bc-authorize", form), 401, "invalid_client")
    fresh = {**till.credentials(), "request": request}
    assert_refused(await till.post("/bc-authorize", fresh), 400, "invalid_request")
    assert await alice.fetch() == []


@pytest.mark.clause("fapi-ciba-7.2-2")
async def test_an_id_token_is_a_hint(bank: RunningService, alice: WirePhone):
    """The client shows whom it knows already."""
    known = (await granted(bank.till, alice))["id_token"]
    tokens = await granted(bank.till, alice, login_hint=None, id_token_hint=known)
    assert claims_of(tokens["id_token"])["sub"] == "alice"


@pytest.mark.clause("ciba-14-3")
async def test_an_expired_id_token_is_a_hint_for_a_while(bank: RunningService, alice: WirePhone):
    """As many days after its expiry as are configured, and then 400 unknown_user_id."""
    known = (await granted(bank.till, alice))["id_token"]
    bank.clock.advance(300 + 30 * DAY - 1)
    await granted(bank.till, alice, login_hint=None, id_token_hint=known)
    bank.clock.advance(1)
    answer = await bank.till.start(login_hint=None, id_token_hint=known)
    assert_refused(answer, 400, "unknown_user_id")


@pytest.mark.clause("ciba-14-4")
async def test_an_id_token_of_another_client_is_no_hint(bank: RunningService, alice: WirePhone):
    """Nor is one that this service did not issue, nor an access token of its own."""
    tokens = await granted(bank.till, alice)
    claims = claims_of(tokens["id_token"])
    header = {"alg": "ES256", "typ": "JWT", "kid": KEY.kid}
    foreign = sign(header, claims, KEY)
    for client, hint in (
        (bank.clients["other-till"], tokens["id_token"]),
        (bank.till, foreign),
        (bank.till, tokens["access_token"]),
    ):
        answer = await client.start(login_hint=None, id_token_hint=hint)
        assert_refused(answer, 400, "unknown_user_id")
    assert await alice.fetch() == []


async def test_a_client_may_insist_on_a_subject(bank: RunningService, alice: WirePhone):
    """A sub in claims is who the hint must lead to (OpenID Connect Core 5.5.1)."""
    for wish, status in (
        ({"value": "alice"}, 200),
        ({"values": ["bob", "alice"]}, 200),
        ({"value": "bob"}, 400),
    ):
        answer = await bank.till.start(claims={"id_token": {"sub": wish}})
        assert answer.status_code == status
    assert_refused(answer, 400, "unknown_user_id")
    assert len(await alice.fetch()) == 2


async def test_claims_come_in_the_id_token_as_far_as_the_scope_reaches(
    bank: RunningService, alice: WirePhone
):
    """What the phone did not show is not told: the e-mail address needs its scope."""
    claims = {"id_token": {"name": None, "email": {"essential": True}}}
    for scope, told in (("openid profile", {"name": "Alice Example"}), ("openid", {})):
        tokens = await granted(bank.till, alice, scope=scope, claims=claims)
        id_token = claims_of(tokens["id_token"])
        assert {name: id_token[name] for name in ("name", "email") if name in id_token} == told
        answer = (await userinfo(bank, tokens["access_token"])).json()
        assert answer == {"sub": "alice", **told}
    plain = claims_of((await granted(bank.till, alice, scope="openid profile"))["id_token"])
    assert "name" not in plain


async def test_what_was_asked_is_kept_until_it_is_redeemed(bank: RunningService, alice: WirePhone):
    """Claims and the context of the request are in the stored request."""
    await bank.till.started(
        claims={"userinfo": {"name": {"essential": True}}}, request_context={"till": 4}
    )
    (challenge,) = await alice.fetch()
    name = claims_of(challenge)["transaction_id"]
    stored = await bank.service.stores.transactions.read(name, now=bank.clock.now_ms())
    assert stored is not None
    assert stored.request is not None
    assert [claim.name for claim in stored.request.claims.userinfo] == ["name"]
    assert stored.request.request_context is not None
    assert stored.request.request_context.json == '{"till":4}'
