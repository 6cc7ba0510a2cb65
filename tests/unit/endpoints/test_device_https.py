"""The device protocol over HTTPS: each message with its own proof."""

import json

import pytest

from ciba_service.sca.messages import body_hash
from tests.services.running_service import RunningService
from tests.wire.phone import WirePhone

FETCH = b'{"type": "fetch"}'


async def post(phone: WirePhone, body: bytes, proof: str | None) -> tuple[int, dict[str, str]]:
    """Send a body with a proof, or with none."""
    headers = {"content-type": "application/json"}
    if proof is not None:
        headers["authorization"] = f"Device {proof}"
    answer = await phone.http.post("/device/messages", content=body, headers=headers)
    challenge = "Device" if answer.status_code == 401 else None
    assert answer.headers.get("www-authenticate") == challenge
    return answer.status_code, answer.json()


@pytest.mark.parametrize("proof", [None, "garbage", "a.b.c", "é", "e30.e30.AAAA"])
async def test_without_a_proof_nothing_is_answered(phone: WirePhone, proof: str | None):
    """A missing or malformed proof is 401 invalid_device_proof."""
    body = FETCH
    headers = {"content-type": "application/json"}
    if proof is not None:
        headers["authorization"] = f"Device {proof}"
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = await phone.http.post("/device/messages", content=body, headers=encoded)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_device_proof")
    assert answer.headers["www-authenticate"] == "Device"


async def test_another_scheme_is_no_proof(phone: WirePhone):
    """The proof travels under the scheme ``Device`` and no other."""
    proof = phone.proof(await phone.nonce(), body_hash=body_hash(FETCH))
    headers = {"content-type": "application/json", "authorization": f"Bearer {proof}"}
    answer = await phone.http.post("/device/messages", content=FETCH, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_device_proof")


@pytest.mark.parametrize(
    "change",
    [{"body_hash": None}, {"aud": "https://other.example"}, {"nonce": "A" * 54}],
    ids=["no body hash", "audience", "nonce"],
)
async def test_a_wrong_proof_is_refused(phone: WirePhone, change: dict[str, str | None]):
    """A proof that is not over this body at this service is 401."""
    nonce = await phone.nonce()
    proof = phone.proof(**{"nonce": nonce, "body_hash": body_hash(FETCH), **change})
    status, answer = await post(phone, FETCH, proof)
    assert (status, answer["error"]) == (401, "invalid_device_proof")


@pytest.mark.clause("sca-art4-8")
async def test_a_body_swapped_after_signing_is_refused(phone: WirePhone):
    """The proof covers the very bytes of the body."""
    proof = phone.proof(await phone.nonce(), body_hash=body_hash(FETCH))
    status, answer = await post(phone, FETCH + b" ", proof)
    assert (status, answer["error"]) == (401, "invalid_device_proof")
    assert (await post(phone, FETCH, proof))[0] == 200


@pytest.mark.clause("nist63b-3.2.7-1")
async def test_a_proof_works_once(phone: WirePhone):
    """The same request again is refused."""
    proof = phone.proof(await phone.nonce(), body_hash=body_hash(FETCH))
    assert (await post(phone, FETCH, proof))[0] == 200
    assert (await post(phone, FETCH, proof))[0] == 401


async def test_a_stale_nonce_is_refused(service: RunningService, phone: WirePhone):
    """A proof over a nonce of five minutes ago is 401; a fresh one works."""
    proof = phone.proof(await phone.nonce(), body_hash=body_hash(FETCH))
    service.clock.advance(300)
    assert (await post(phone, FETCH, proof))[0] == 401
    assert (await phone.send({"type": "fetch"})).status_code == 200


@pytest.mark.clause("nist63b-3.1.3.1-5")
async def test_another_phones_key_is_refused(service: RunningService, phone: WirePhone):
    """Nobody speaks for a phone without its key, and nothing is remembered of such attempts."""
    thief = service.phone()
    thief.device_id = phone.device_id
    proof = thief.proof(await phone.nonce(), body_hash=body_hash(FETCH))
    answers = [(await post(phone, FETCH, proof))[0] for _ in range(2)]
    assert answers == [401, 401]
    refused = [event.fields["reason"] for event in service.telemetry.named("request_refused")]
    assert "the proof was used before" not in refused


@pytest.mark.clause("nist63b-4.3-1", "sca-art9-5")
async def test_a_revoked_phone_is_forbidden(service: RunningService, phone: WirePhone):
    """Its proofs are answered 403 device_revoked from then on."""
    await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
    answer = await phone.send({"type": "fetch"})
    assert (answer.status_code, answer.json()["error"]) == (403, "device_revoked")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"type": "shout"}',
        b'{"type": "decide"}',
        b'{"type": "decide", "decision": "\xff"}',
        b"[" * 9_000,
        b'{"type": "fetch", "x": ' + b"[" * 9_000,
        json.dumps({"type": "authenticate", "proof": "a.b.c"}).encode(),
        json.dumps({"type": "decide", "decision": "garbage"}).encode(),
    ],
)
async def test_what_is_no_message_is_a_bad_request(phone: WirePhone, body: bytes):
    """Garbage is 400 invalid_request even with a good proof over it."""
    proof = phone.proof(await phone.nonce(), body_hash=body_hash(body))
    status, answer = await post(phone, body, proof)
    assert (status, answer["error"]) == (400, "invalid_request")
    assert answer.keys() == {"error", "error_description"}


async def test_a_nonce_is_not_cached(phone: WirePhone):
    """Each request for a nonce gets another one, marked not to be stored."""
    answers = [await phone.http.get("/device/nonce") for _ in range(2)]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert answers[0].json()["nonce"] != answers[1].json()["nonce"]
    assert answers[0].json().keys() == {"type", "issuer", "nonce"}
