"""Token keys change while the service runs, and nobody who plays by the rules notices."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from ciba_service.protocol.jose.life_cycle import Retention
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.key_rotation import prune_keys, rotate_keys
from tests.conformance.refusals import assert_refused
from tests.redis_servers import flush_all
from tests.running_service import RunningService, running_service
from tests.signing import claims_of, header_of
from tests.wire_client import WireClient
from tests.wire_dpop import WireDpop
from tests.wire_phone import WirePhone
from tests.wire_tokens import granted

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")

DAY = 86_400
HINT_DAYS = 30
RETENTION = Retention(300, 300, HINT_DAYS * DAY)
EDDSA = {
    "profile": "fapi2-ciba",
    "dpop_bound_access_tokens": True,
    "id_token_signed_response_alg": "EdDSA",
}


@pytest.fixture(scope="module")
def speaker() -> WireClient:
    """A client of FAPI 2.0 whose ID tokens are signed with Ed25519."""
    return WireClient("speaker", metadata=EDDSA)


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


async def rotate(bank: RunningService) -> None:
    """One step of a rotation of all token keys, which the service has read."""
    rotate_keys(
        bank.keys.directory,
        alg=None,
        retention=RETENTION,
        random=secrets.token_bytes,
        now=bank.clock.now_ms(),
    )
    assert await bank.service.keys.refresh()


async def prune(bank: RunningService) -> None:
    """Drop what need not be kept; the service reads what is left."""
    prune_keys(bank.keys.directory, retention=RETENTION, now=bank.clock.now_ms())
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
