"""The SCA receipt: a client gets, signed, what its user approved and how."""

import base64
import hashlib

import msgspec
import pytest

from ciba_service.sca.messages import challenge_hash, transaction_id
from ciba_service.sca.records.sca_receipt import receipt_device
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.told_events import told
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import refusal
from tests.wire.sca_receipt import KEYS, PATH, receipt_answer, receipt_of, verified_receipt
from tests.wire.signing import claims_of
from tests.wire.tokens import resource_server

UNKNOWN = (400, "invalid_grant")
NOT_APPROVED = (409, "not_approved")
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Corner Shop Ltd",
    "creditorAccount": {"iban": "DE89370400440532013000"},
}


def sha256(data: bytes) -> str:
    """In base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Shown(msgspec.Struct):
    """The display of a challenge, to the letter."""

    display: msgspec.Raw


def display_of(challenge: str) -> bytes:
    """Its exact bytes."""
    payload = challenge.split(".")[1]
    data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return bytes(msgspec.json.decode(data, type=Shown).display)


async def test_a_receipt_says_what_was_approved_and_how(service: RunningService, phone: WirePhone):
    """The same before and after the tokens, which say nothing else; nobody needs to ask at once."""
    auth_req_id = await service.till.started(
        binding_message="W4SCT", authorization_details=[PAYMENT]
    )
    (challenge,) = await phone.fetch()
    service.clock.advance(1.5)
    decision = phone.approval(challenge)
    assert (await phone.decide(decision))["type"] == "accepted"
    approved_at = service.clock.now_ms() // 1000
    answer = await receipt_answer(service.till, auth_req_id)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json().keys() == {"sca_receipt"}
    first = await verified_receipt(service, answer.json()["sca_receipt"])
    name = transaction_id(auth_req_id)
    shown = claims_of(challenge)
    assert first == {
        "iss": service.issuer,
        "aud": "till",
        "sub": "alice",
        "iat": approved_at,
        "jti": f"sca-{name}",
        "txn": name,
        "acr": first["acr"],
        "amr": first["amr"],
        "auth_time": approved_at,
        "challenge_hash": challenge_hash(challenge),
        "decision_hash": sha256(decision.encode()),
        "display_hash": sha256(display_of(challenge)),
        "locale": "en",
        "device": receipt_device("till", phone.device_id),
        "scope": "openid",
        "available_until": shown["exp"] + 600,
        "binding_message": "W4SCT",
        "payments": shown["payments"],
    }
    tokens = (await service.till.poll(auth_req_id)).json()
    service.clock.advance(30)
    assert await verified_receipt(service, await receipt_of(service.till, auth_req_id)) == first
    said = claims_of(tokens["id_token"])
    for claim in ("iss", "aud", "sub", "txn", "acr", "amr", "auth_time"):
        assert first[claim] == said[claim]
    assert first["challenge_hash"] == claims_of(tokens["access_token"])["challenge_hash"]


async def test_a_receipt_has_the_details_that_were_approved(run_service: ServiceRunner):
    """As the tokens state them; without a payment or a binding message there is none of these."""
    accounts = {"type": "account_information", "actions": ["read_balances"]}
    advisor = WireClient("till", metadata={"authorization_details_types": ["account_information"]})
    async with run_service(clients=[advisor]) as bank:
        phone = await bank.enrolled_phone("alice")
        auth_req_id = await advisor.started(
            scope="openid profile", authorization_details=[accounts], binding_message=None
        )
        await phone.approve_next()
        claims = claims_of(await receipt_of(advisor, auth_req_id))
        tokens = (await advisor.poll(auth_req_id)).json()
    assert claims["authorization_details"] == tokens["authorization_details"] == [accounts]
    assert claims["scope"] == "openid profile"
    assert not {"payments", "binding_message"} & claims.keys()


async def test_nothing_secret_is_in_a_receipt(service: RunningService, phone: WirePhone):
    """Neither handle nor tokens, no factor and no proof, and not the phone's own name."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge)
    await phone.decide(decision)
    receipt = str(claims_of(await receipt_of(service.till, auth_req_id)))
    tokens = (await service.till.poll(auth_req_id)).json()
    secrets = (auth_req_id, phone.device_id, tokens["access_token"], decision, challenge)
    assert not [secret for secret in secrets if secret in receipt]
    assert claims_of(decision)["factors"] not in receipt


async def test_two_clients_know_a_phone_by_different_names(
    service: RunningService, phone: WirePhone, other_till: WireClient
):
    """And each knows it again."""
    devices = []
    for client in (service.till, other_till, service.till):
        auth_req_id = await client.started()
        await phone.approve_next()
        devices.append(claims_of(await receipt_of(client, auth_req_id))["device"])
    assert devices[0] == devices[2] != devices[1]


async def test_without_an_approval_there_is_no_receipt(service: RunningService, phone: WirePhone):
    """Pending, denied, cancelled or not collected in time: one answer."""
    till = service.till
    pending = await till.started()
    assert refusal(await receipt_answer(till, pending)) == NOT_APPROVED
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    assert refusal(await receipt_answer(till, pending)) == NOT_APPROVED
    taken_back = await till.started()
    await phone.approve_next()
    assert (await till.cancel(taken_back)).status_code == 204
    assert refusal(await receipt_answer(till, taken_back)) == NOT_APPROVED
    late = await till.started()
    await phone.approve_next()
    service.clock.advance(180)
    assert refusal(await receipt_answer(till, late)) == NOT_APPROVED


async def test_another_client_s_receipt_is_unknown(
    service: RunningService, phone: WirePhone, other_till: WireClient
):
    """As is that of a request that never was; who asks for another's is noted."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    foreign = await receipt_answer(other_till, auth_req_id)
    unknown = await receipt_answer(service.till, "A" * 43)
    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    assert refusal(foreign) == UNKNOWN
    (noted,) = await told(service, "token_misused")
    assert (noted["credential"], noted["client_id"]) == ("auth_req_id", "other-till")
    assert noted["peer"] == "127.0.0.1"
    assert refusal(await receipt_answer(service.till, "none of ours")) == UNKNOWN


@pytest.mark.usefixtures("phone")
async def test_who_asks_comes_first(service: RunningService):
    """An assertion is good once, whatever else is wrong."""
    till, used = service.till, service.till.credentials()
    assert refusal(await till.post(PATH, {"auth_req_id": "A" * 43})) == (401, "invalid_client")
    assert refusal(await till.post(PATH, used)) == (400, "invalid_request")
    assert refusal(await receipt_answer(till, "A" * 43, **used)) == (401, "invalid_client")


async def test_a_client_without_ciba_has_no_receipts(run_service: ServiceRunner):
    """It asks for nothing that could be approved."""
    api = resource_server()
    async with run_service(clients=[api]):
        assert refusal(await receipt_answer(api, "A" * 43)) == (400, "unauthorized_client")


async def test_its_url_is_an_audience(service: RunningService, phone: WirePhone):
    """Assertions may be for the endpoint they are sent to; its keys sign nothing else."""
    auth_req_id = await service.till.started()
    await phone.approve_next()
    credentials = service.till.credentials(aud=f"{service.issuer}{PATH}")
    assert (await receipt_answer(service.till, auth_req_id, **credentials)).status_code == 200
    own = {key["kid"] for key in (await service.http.get(KEYS)).json()["keys"]}
    tokens = {key["kid"] for key in (await service.http.get("/jwks")).json()["keys"]}
    assert own
    assert not own & tokens
