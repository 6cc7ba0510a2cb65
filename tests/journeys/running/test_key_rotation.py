"""Keys change while the service runs, and nobody who plays by the rules notices."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.pin import WrappedPinKey
from ciba_service.protocol.jose.life_cycle import token_keys_kept
from ciba_service.sca.messages import ServiceKeys, TotpParameters, decode_service_message
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.key_rotation import prune_keys, rotate_keys
from ciba_service.stores.service_keys.stored_keys import Purpose
from tests.conformance.refusals import assert_refused
from tests.redis.servers import flush_all
from tests.services.running_service import RunningService, running_service
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.dpop import WireDpop
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of, header_of, new_key
from tests.wire.tokens import granted

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

DAY = 86_400
HINT_DAYS = 30
KEPT = token_keys_kept(
    access_token_lifetime=300, id_token_lifetime=300, id_token_hint_lifetime=HINT_DAYS * DAY
)
EDDSA = {
    "profile": "fapi2-ciba",
    "dpop_bound_access_tokens": True,
    "id_token_signed_response_alg": "EdDSA",
}


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client of FAPI 2.0 that signs with Ed25519, and whose ID tokens are so signed."""
    return WireClient("speaker", "EdDSA", new_key("EdDSA"), EDDSA)


@pytest.fixture
async def bank(
    embedded_target: RedisTarget, tmp_path: Path, till: WireClient, speaker: WireClient
) -> AsyncIterator[RunningService]:
    """A service with keys of its own."""
    await flush_all(embedded_target)
    async with running_service(
        embedded_target,
        tmp_path / "keys",
        clients=[till, speaker],
        sections={"requests": {"id_token_hint_days": HINT_DAYS}},
    ) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


async def rotate(bank: RunningService, purpose: Purpose = "token") -> None:
    """One step of a rotation, which the service has read."""
    rotate_keys(
        bank.keys.directory,
        purpose=purpose,
        token_keys_kept=KEPT,
        random=secrets.token_bytes,
        now=bank.clock.now_ms(),
    )
    assert await bank.service.keys.refresh()


async def prune(bank: RunningService) -> None:
    """Drop what need not be kept; the service reads what is left."""
    prune_keys(bank.keys.directory, token_keys_kept=KEPT, now=bank.clock.now_ms())
    await bank.service.keys.refresh()


async def published(bank: RunningService) -> dict[str, dict[str, Any]]:
    """The key set, by name."""
    return {key["kid"]: key for key in (await bank.http.get("/jwks")).json()["keys"]}


@pytest.mark.clause("oidc-10.1-1", "oidc-10.1.1-1")
async def test_keys_are_published_before_and_after_they_sign(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Tokens from before, between and after verify with what is published at that moment."""
    seen = []
    for _ in range(3):
        tokens = await granted(till, alice)
        seen.append(tokens)
        keys = await published(bank)
        assert {key["use"] for key in keys.values()} == {"sig"}
        for each in seen:
            for name in ("id_token", "access_token"):
                kid = header_of(each[name])["kid"]
                key_set = KeySet.import_key_set({"keys": [keys[kid]]})
                jws.deserialize_compact(each[name], key_set, algorithms=["ES256"])
        await rotate(bank)
        bank.clock.advance(600)
    first, second, third = (header_of(each["id_token"])["kid"] for each in seen)
    assert first == second != third


@pytest.mark.clause("oidc-10.1.1-1")
async def test_the_next_key_is_in_the_key_set_before_the_first_token(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Whoever keeps the key set for as long as it says finds the new key in what it kept."""
    await rotate(bank)
    answer = await bank.http.get("/jwks")
    assert answer.headers["cache-control"] == "public, max-age=300"
    bank.clock.advance(600)
    await rotate(bank)
    tokens = await granted(till, alice)
    assert header_of(tokens["id_token"])["kid"] in {key["kid"] for key in answer.json()["keys"]}


@pytest.mark.clause("ciba-14-5", "oidc-10.1.1-1")
async def test_a_retired_key_verifies_hints_as_long_as_they_count(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Until the last second in which the ID token is a hint; afterwards key and hint are gone."""
    await rotate(bank)
    bank.clock.advance(600)
    known = (await granted(till, alice))["id_token"]
    await rotate(bank)
    bank.clock.advance(300 + HINT_DAYS * DAY - 1)
    await prune(bank)
    tokens = await granted(till, alice, login_hint=None, id_token_hint=known)
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    assert header_of(tokens["id_token"])["kid"] != header_of(known)["kid"]
    bank.clock.advance(3601)
    await prune(bank)
    assert header_of(known)["kid"] not in await published(bank)
    answer = await till.start(login_hint=None, id_token_hint=known)
    assert_refused(answer, 400, "unknown_user_id")


async def test_what_a_dropped_key_signed_is_looked_up_here_and_verified_nowhere(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Its ID token is no hint any more; userinfo goes on with the access token that it issued."""
    await rotate(bank)
    bank.clock.advance(600)
    tokens = await granted(till, alice)
    dropped = header_of(tokens["access_token"])["kid"]
    await rotate(bank)
    prune_keys(bank.keys.directory, token_keys_kept=KEPT, now=bank.clock.now_ms(), kid=dropped)
    assert await bank.service.keys.refresh()
    assert dropped not in await published(bank)
    hinted = await till.start(login_hint=None, id_token_hint=tokens["id_token"])
    assert_refused(hinted, 400, "unknown_user_id")
    known = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await bank.http.get("/userinfo", headers=known)).status_code == 200


async def test_a_process_that_has_not_read_yet_takes_what_another_signed(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """A key that is next here may be active elsewhere: its ID tokens are hints at once."""
    tokens = await granted(till, alice)
    await rotate(bank)
    names = {key for key in await published(bank) if key.startswith("token-")}
    behind = bank.service.keys._keys
    bank.clock.advance(600)
    await rotate(bank)
    ahead = (await granted(till, alice))["id_token"]
    assert header_of(ahead)["kid"] in names - {header_of(tokens["id_token"])["kid"]}
    bank.service.keys._keys = behind
    await granted(till, alice, login_hint=None, id_token_hint=ahead)


@pytest.mark.clause("fapi-ciba-d03-5")
async def test_ed25519_signs_for_who_registered_it(
    bank: RunningService, speaker: WireClient, alice: WirePhone
):
    """Another library verifies the ID token with the published key, which metadata promises."""
    dpop, auth_req_id = WireDpop(), await speaker.started()
    await alice.approve_next()
    for _ in range(2):  # the first answer brings the nonce
        form = {
            "grant_type": "urn:openid:params:grant-type:ciba",
            "auth_req_id": auth_req_id,
            **speaker.credentials(),
        }
        proof = dpop.proof("POST", f"{bank.issuer}/token", speaker.now())
        answer = dpop.learn(await speaker.post("/token", form, headers={"DPoP": proof}))
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    header = header_of(tokens["id_token"])
    key = (await published(bank))[header["kid"]]
    assert (header["alg"], key["alg"], key["kty"], key["crv"]) == (
        "EdDSA", "EdDSA", "OKP", "Ed25519",
    )  # fmt: skip
    key_set = KeySet.import_key_set({"keys": [key]})
    jws.deserialize_compact(tokens["id_token"], key_set, algorithms=["EdDSA"])
    assert header_of(tokens["access_token"])["alg"] == "ES256"
    document = (await bank.http.get("/.well-known/openid-configuration")).json()
    supported = document["id_token_signing_alg_values_supported"]
    assert sorted(supported) == ["ES256", "EdDSA", "PS256"]


async def test_metadata_names_what_profiles_allow(run_service: ServiceRunner):
    """Where all clients are of FAPI-CIBA, no ID token is promised that they could not have."""
    fapi = {"profile": "fapi-ciba", "dpop_bound_access_tokens": True}
    async with run_service(clients=[WireClient("till", metadata=fapi)]) as service:
        document = (await service.http.get("/.well-known/openid-configuration")).json()
    assert document["id_token_signing_alg_values_supported"] == ["ES256", "PS256"]


# --- What phones pin ---


def simulated(phone: WirePhone) -> Device:
    """The phone of the simulator with the keys that this one was given."""
    keys = msgspec.convert(phone.service_keys, ServiceKeys)
    return Device(
        DeviceIdentity(
            device_id=phone.device_id,
            issuer=phone.issuer,
            subject="alice",
            name="Alice's phone",
            websocket="",
            messages="",
            signing_key=phone.key,
            encryption_key=phone.encryption_key,
            service_keys=keys,
            pin_key=WrappedPinKey(b"", b""),
            totp=TotpParameters(phone.totp_secret),
        ),
        random_bytes=secrets.token_bytes,
    )


async def fetched(bank: RunningService, phone: WirePhone, device: Device) -> list[str]:
    """Let the simulator take in what a fetch brings; the names of what it then says."""
    messages = (await phone.send({"type": "fetch"})).json()["messages"]
    events = []
    for message in messages:
        frame = decode_service_message(json.dumps(message))
        events += device.receive(frame, now_ms=bank.clock.now_ms()).events
    return [event.__struct_config__.tag for event in events]


async def test_phones_learn_new_challenge_keys_under_the_old_one(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """Before it signs, or, for a phone that was away, before the first challenge it has signed."""
    connected, away = simulated(alice), simulated(alice)
    assert await fetched(bank, alice, connected) == ["fetched"]
    await rotate(bank, "challenge")
    assert await fetched(bank, alice, connected) == ["keys_pinned", "fetched"]
    bank.clock.advance(600)
    await rotate(bank, "challenge")
    auth_req_id = await till.started()
    assert await fetched(bank, alice, connected) == ["keys_pinned", "challenge", "fetched"]
    assert await fetched(bank, alice, away) == ["keys_pinned", "challenge", "fetched"]
    assert await fetched(bank, alice, away) == ["fetched"]
    await alice.approve_next()
    assert (await till.poll(auth_req_id)).status_code == 200


async def test_a_challenge_of_before_the_rotation_is_still_believed(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """The key that retired last is announced with the others."""
    await rotate(bank, "challenge")
    bank.clock.advance(600)
    await till.started()
    await rotate(bank, "challenge")
    assert await fetched(bank, alice, simulated(alice)) == ["keys_pinned", "challenge", "fetched"]


async def test_a_phone_enrolled_in_between_knows_the_next_key(bank: RunningService):
    """It pins next and active key at once; nothing is announced that it does not know."""
    await rotate(bank, "challenge")
    phone = await bank.enrolled_phone("bob")
    assert len(phone.service_keys["challenge"]) == 2
    device = simulated(phone)
    before = device.identity.service_keys
    await fetched(bank, phone, device)
    assert device.identity.service_keys == before


async def test_a_connected_phone_is_told_before_it_is_shown_anything(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """On a socket that was open before the rotation, and once only."""
    async with alice.online() as socket:
        assert socket.first == []
        await rotate(bank, "challenge")
        await till.started()
        first, second = await socket.receive(), await socket.receive()
        assert (first["type"], second["type"]) == ("keys", "challenge")
        await till.started()
        assert (await socket.receive())["type"] == "challenge"
    async with alice.online() as socket:
        assert [frame["type"] for frame in socket.first] == ["keys", "challenge", "challenge"]


async def test_a_quiet_socket_is_told_as_well(bank: RunningService, alice: WirePhone):
    """Within a minute, so that every phone that is connected knows a key before it signs."""
    async with alice.online() as socket:
        await rotate(bank, "challenge")
        bank.clock.advance(60)
        assert (await socket.receive())["type"] == "keys"


async def test_factors_are_opened_whichever_key_a_phone_knows(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """One that was told encrypts to the new key; one that was away goes on with the old one."""
    told = simulated(alice)
    await rotate(bank, "factors")
    assert await fetched(bank, alice, told) == ["fetched"]
    bank.clock.advance(600)
    await rotate(bank, "factors")
    assert await fetched(bank, alice, told) == ["keys_pinned", "fetched"]
    assert await fetched(bank, alice, told) == ["fetched"]
    before, now = alice.service_keys["encryption"], told.identity.service_keys.encryption
    assert before["kid"] != now["kid"]
    assert now == bank.service.keys.factors_key.public_jwk
    for known in (before, now):
        alice.service_keys["encryption"] = known
        await granted(till, alice)


async def test_what_is_encrypted_to_a_key_that_is_gone_is_no_attempt(
    bank: RunningService, till: WireClient, alice: WirePhone
):
    """A key in wrong hands is dropped at once; a phone that is told then can still approve."""
    old = alice.service_keys["encryption"]
    for _ in range(2):
        await rotate(bank, "factors")
        bank.clock.advance(600)
    dropped = prune_keys(
        bank.keys.directory, token_keys_kept=KEPT, now=bank.clock.now_ms(), kid=old["kid"]
    )
    assert [key.kid for key in dropped] == [old["kid"]]
    assert await bank.service.keys.refresh()
    auth_req_id = await till.started()
    refused = await alice.approve_next()
    assert (refused["type"], refused["reason"]) == ("refused", "invalid_decision")
    assert "attempts_left" not in refused
    alice.service_keys["encryption"] = bank.service.keys.factors_key.public_jwk
    await alice.approve_next()
    assert (await till.poll(auth_req_id)).status_code == 200


async def test_a_phone_enrolled_after_the_change_knows_the_new_key(bank: RunningService):
    """It is told to encrypt to the active key, not to the one that is still to be."""
    first = bank.service.keys.factors_key.public_jwk
    await rotate(bank, "factors")
    assert (await bank.enrolled_phone("alice")).service_keys["encryption"] == first
    bank.clock.advance(600)
    await rotate(bank, "factors")
    phone = await bank.enrolled_phone("bob")
    assert phone.service_keys["encryption"]["kid"] != first["kid"]
    device = simulated(phone)
    before = device.identity.service_keys
    await fetched(bank, phone, device)
    assert device.identity.service_keys == before
