"""What somebody should know of is told as a security event: by whom, of whom, and why.

Each test is one attack or one act, and what the operator reads of it.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.messages import body_hash
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.told_events import told
from tests.wire.callback_endpoint import (
    CallbackEndpoint,
    answer,
    callback_endpoint,
    outbound_section,
)
from tests.wire.client import CIBA, WireClient
from tests.wire.dpop import WireDpop
from tests.wire.passkey_phone import SECTIONS, with_passkey
from tests.wire.phone import WirePhone
from tests.wire.registration import (
    configure,
    metadata_of,
    register,
    registered,
    registration_section,
)
from tests.wire.signing import new_key
from tests.wire.tokens import granted

PEER = "127.0.0.1"
NEW_PIN_KEY = base64url(bytes(32))
FAILED = {"kind": "client_authentication_failed", "peer": PEER}
REFUSED = {"kind": "request_object_refused", "client_id": "till"}

Attack = Callable[[RunningService], Awaitable[object]]


async def replayed_assertion(service: RunningService) -> None:
    """The same assertion twice."""
    credentials = service.till.credentials()
    for _ in range(2):
        await service.till.post("/token", {"grant_type": CIBA, "auth_req_id": "x", **credentials})


async def replayed_request(service: RunningService) -> None:
    """The same request object twice."""
    request = service.till.request_object(login_hint="nobody")
    for _ in range(2):
        await service.till.post("/bc-authorize", {**service.till.credentials(), "request": request})


async def hinting_at_nobody(service: RunningService) -> None:
    """An ID token that is none."""
    await service.till.start(login_hint=None, id_token_hint=service.till.assertion())


async def without_authentication(service: RunningService) -> None:
    """A form of nobody."""
    await service.http.post("/token", data={"grant_type": CIBA})


def authenticating(client_id: str = "till", **changed: Any) -> Attack:
    """A client assertion that is bent."""

    async def attack(service: RunningService) -> None:
        client = service.till
        form = client.credentials(**{"iss": client_id, "sub": client_id, **changed})
        await client.post("/token", {"grant_type": CIBA, **form})

    return attack


def asking(**changed: Any) -> Attack:
    """A request object that is bent."""

    async def attack(service: RunningService) -> None:
        await service.till.start(**changed)

    return attack


ATTACKS: dict[str, tuple[Attack, dict[str, Any]]] = {
    "stranger": (without_authentication, {**FAILED, "cause": "missing"}),
    "unknown client": (authenticating("eve"), {**FAILED, "cause": "unknown"}),
    "foreign key": (
        authenticating(key=new_key(kid="test-key")),
        {**FAILED, "cause": "signature", "client_id": "till"},
    ),
    "old assertion": (
        authenticating(exp=1),
        {**FAILED, "cause": "time", "client_id": "till"},
    ),
    "other audience": (
        authenticating(aud="https://elsewhere.example"),
        {**FAILED, "cause": "audience", "client_id": "till"},
    ),
    "replayed assertion": (
        replayed_assertion,
        {**FAILED, "cause": "replayed", "client_id": "till"},
    ),
    "request of another key": (
        asking(key=new_key(kid="test-key")),
        {**REFUSED, "cause": "signature", "peer": PEER},
    ),
    "request without end": (asking(exp=2**40), {**REFUSED, "cause": "time", "peer": PEER}),
    "replayed request": (replayed_request, {**REFUSED, "cause": "replayed"}),
    "hint of nobody": (
        hinting_at_nobody,
        {"kind": "unknown_user_asked", "client_id": "till"},
    ),
    "guessed name": (
        asking(login_hint="nobody"),
        {"kind": "unknown_user_asked", "client_id": "till"},
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_a_client_does_is_told(service: RunningService, name: str):
    """The kind, the cause, and the client where there is one; nobody else is named."""
    attack, expected = ATTACKS[name]
    await attack(service)
    assert expected in await told(service)


async def test_an_ordinary_approval_is_no_event(service: RunningService, phone: WirePhone):
    """Who does nothing wrong is not told of, beyond that there is a phone."""
    await granted(service.till, phone)
    enrolled = {"kind": "phone_enrolled", "device_id": phone.device_id, "user": phone_tag(service)}
    assert await told(service) == [enrolled]


def phone_tag(service: RunningService) -> str:
    """The tag of the user of the last phone that was enrolled."""
    lines = service.telemetry.named("security_event")
    return str(
        next(line.fields["user"] for line in lines if line.fields["kind"] == "phone_enrolled")
    )


async def say(service: RunningService, proof: str) -> None:
    """Send a message with a proof."""
    headers = {"content-type": "application/json", "authorization": f"Device {proof}"}
    await service.http.post("/device/messages", content=b'{"type":"fetch"}', headers=headers)


async def test_a_phone_that_proves_nothing_is_told_of(service: RunningService, phone: WirePhone):
    """A strange nonce, another audience, a second use, a phone that is not there, nonsense."""
    message = {"type": "fetch"}
    await say(service, phone.proof(secrets.token_urlsafe(48)))
    used = phone.proof(await phone.nonce(), body_hash=body_hash(b'{"type":"fetch"}'))
    for _ in range(2):
        await say(service, used)
    await phone.send(message, aud="https://elsewhere.example")
    await phone.send(message, iss="no phone")
    async with phone.raw_socket() as socket:
        await socket.recv()
        await socket.send('{"type": "authenticate", "proof": "nonsense"}')
        await socket.wait_closed()
    events = await told(service, "phone_proof_refused")
    assert [(line["cause"], "device_id" in line) for line in events] == [
        ("nonce", False),
        ("replayed", True),
        ("audience", True),
        ("unknown", False),
        ("malformed", False),
    ]


async def test_wrong_factors_are_told_and_so_is_the_lock(service: RunningService, phone: WirePhone):
    """Each wrong PIN with what is left; the fifth one locks."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    for _ in range(5):
        await phone.decide(phone.approval(challenge, pin=False))
    events = await told(service, "wrong_factors", "factors_locked")
    assert [line.get("attempts_left") for line in events] == [4, 3, 2, 1, 0, None]
    of = {"device_id", "user", "transaction_id", "client_id"}
    assert all(of < line.keys() for line in events)


async def test_a_decision_that_is_forged_is_told_of(service: RunningService, phone: WirePhone):
    """About another challenge, or another user's request; one that is gone is nothing."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, challenge_hash="A" * 43))
    await phone.decide(phone.denial(challenge, transaction_id="A" * 22))
    other = await service.enrolled_phone("bob")
    await other.decide(other.denial(challenge))
    events = await told(service, "invalid_decision")
    assert [(line["cause"], line["device_id"]) for line in events] == [
        ("challenge", phone.device_id),
        ("foreign", other.device_id),
    ]


async def test_orders_are_told_right_and_wrong(service: RunningService, phone: WirePhone):
    """A forged one, a wrong PIN, and a PIN that was changed."""
    await phone.give_order(
        await phone.order("change_pin", pin_key=NEW_PIN_KEY, aud="https://elsewhere.example")
    )
    await phone.give_order(await phone.order("change_pin", pin=False, pin_key=NEW_PIN_KEY))
    await phone.give_order(await phone.order("change_pin", pin_key=NEW_PIN_KEY))
    events = await told(service, "invalid_order", "wrong_factors", "pin_changed")
    assert [line["kind"] for line in events] == ["invalid_order", "wrong_factors", "pin_changed"]
    assert {line["device_id"] for line in events} == {phone.device_id}


async def test_an_enrolment_that_is_refused_is_told_of(service: RunningService):
    """A code that is none, and an object that cannot be read."""
    phone = service.phone()
    await phone.send_enrolment(phone.enrolment("NONE-SUCH"))
    await phone.send_enrolment("nonsense")
    events = await told(service, "enrolment_refused")
    assert [(line["cause"], line["peer"]) for line in events] == [
        ("wrong", PEER),
        ("malformed", PEER),
    ]


async def test_not_me_is_told(service: RunningService, phone: WirePhone):
    """With the client that is blocked; asking again is a refused prompt then."""
    await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="not_me"))
    await service.telemetry.seen("not_me_reported")
    await service.till.start()
    not_me, refused = await told(service, "not_me_reported", "prompt_refused")
    assert (not_me["client_id"], refused["client_id"]) == ("till", "till")
    assert not_me["blocked_until"] > service.clock.now_ms()
    assert refused["limit"] == "blocked"
    assert refused["user"] == not_me["user"] == phone_tag(service)


async def test_a_phone_that_is_given_up_is_told_of(service: RunningService, phone: WirePhone):
    """By itself."""
    await phone.send({"type": "give_up"})
    (event,) = await told(service, "phone_revoked")
    assert (event["by"], event["device_id"]) == ("phone", phone.device_id)
    assert "by_device_id" not in event


async def test_a_phone_that_another_revokes_is_told_of(service: RunningService, phone: WirePhone):
    """With the one that did it."""
    other = await service.enrolled_phone("alice")
    order = await phone.order("revoke_device", device_id=other.device_id)
    await phone.give_order(order)
    (event,) = await told(service, "phone_revoked")
    assert (event["by"], event["by_device_id"]) == ("phone", phone.device_id)


async def test_a_further_phone_that_is_turned_away_is_told_of(
    service: RunningService, phone: WirePhone
):
    """That it waited, who turned it away, and that the user knows nothing of it."""
    tablet = service.phone()
    await tablet.enrol(await service.activation_code("alice"), name="Tablet")
    await phone.send({"type": "reject_device", "device_id": tablet.device_id, "reason": "not_me"})
    waiting, rejected = await told(service, "phone_waiting", "phone_rejected")
    assert waiting["device_id"] == rejected["device_id"] == tablet.device_id
    assert (rejected["by"], rejected["by_device_id"]) == ("phone", phone.device_id)
    assert rejected["not_me"] is True


@pytest.fixture
async def limited(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that lets a client ask once a minute."""
    async with run_service(clients=[till], sections={"limits": {"client_requests": 1}}) as running:
        yield running


async def test_a_spent_budget_is_told(limited: RunningService):
    """Whose it is, and which."""
    for _ in range(2):
        await limited.till.start()
    assert await told(limited, "request_limit_reached") == [
        {"kind": "request_limit_reached", "limit": "client", "client_id": "till"}
    ]


@pytest.fixture
async def codes(run_service: ServiceRunner) -> AsyncIterator[RunningService]:
    """A service whose client asks for user codes."""
    till = WireClient("till", metadata={"backchannel_user_code_parameter": True})
    users = ({"sub": "alice", "user_code": "4711"},)
    async with run_service(clients=[till], users=users) as running:
        yield running


async def test_wrong_user_codes_are_told(codes: RunningService):
    """Five wrong ones, and then it is locked."""
    await codes.enrolled_phone("alice")
    for _ in range(6):
        await codes.till.start(user_code="0000")
    events = await told(codes, "user_code_refused")
    assert [line["cause"] for line in events] == ["wrong"] * 5 + ["locked"]


@pytest.fixture
async def bound(run_service: ServiceRunner) -> AsyncIterator[RunningService]:
    """A service with two clients whose tokens are bound to keys, and refreshed."""
    metadata = {
        "profile": "fapi2-ciba",
        "dpop_bound_access_tokens": True,
        "grant_types": [CIBA, "refresh_token"],
    }
    clients = [
        WireClient("till", metadata=metadata),
        WireClient("thief", key=new_key(kid="thief"), metadata=metadata),
    ]
    async with run_service(clients=clients) as running:
        yield running


async def poll(client: WireClient, dpop: WireDpop, auth_req_id: str, **changed: Any) -> Any:
    """A token request with a proof."""
    form = {"grant_type": CIBA, "auth_req_id": auth_req_id, **client.credentials()}
    proof = dpop.proof("POST", f"{client.issuer}/token", client.now(), **changed)
    return dpop.learn(await client.post("/token", form, headers={"DPoP": proof})).json()


async def test_proofs_and_stolen_tokens_are_told(bound: RunningService):
    """A proof that is missing, bent or used twice; a token with another key; one of another.

    Whose own token it is refreshes it, and nothing is told of that.
    """
    till, thief = bound.till, bound.clients["thief"]
    alice, dpop = await bound.enrolled_phone("alice"), WireDpop()
    auth_req_id = await till.started()
    await poll(till, dpop, auth_req_id)  # it learns the nonce
    await till.poll(auth_req_id)
    await poll(till, dpop, auth_req_id, htm="GET")
    for _ in range(2):
        await poll(till, dpop, auth_req_id, jti="twice")
    await alice.approve_next()
    tokens = await poll(till, dpop, auth_req_id)
    stolen = WireDpop(nonce=dpop.nonce)
    await with_proof(bound, stolen, tokens["access_token"])
    await with_proof(bound, dpop, tokens["access_token"], htm="PUT")
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    proof = stolen.proof("POST", f"{till.issuer}/token", till.now())
    await thief.post("/token", {**form, **thief.credentials()}, headers={"DPoP": proof})
    proof = dpop.proof("POST", f"{till.issuer}/token", till.now())
    own = await till.post("/token", {**form, **till.credentials()}, headers={"DPoP": proof})
    assert own.status_code == 200
    refused = await told(bound, "sender_constraint_refused")
    assert [(line["cause"], line.get("client_id")) for line in refused] == [
        ("missing", "till"),
        ("claims", "till"),
        ("replayed", "till"),
        ("claims", None),
    ]
    access, other = await told(bound, "token_misused")
    assert (access["credential"], access["cause"]) == ("access_token", "key")
    assert (access["client_id"], other["client_id"]) == ("till", "thief")
    assert (other["credential"], other["cause"]) == ("refresh_token", "foreign")
    assert access["transaction_id"] == other["transaction_id"]
    assert {line["peer"] for line in (*refused, access, other)} == {PEER}


async def test_a_stolen_auth_req_id_is_told(
    service: RunningService, phone: WirePhone, other_till: WireClient
):
    """Wherever it is presented; the answer is that of an unknown one."""
    assert phone.device_id
    auth_req_id = await service.till.started()
    answers = [
        await other_till.poll(auth_req_id),
        await other_till.cancel(auth_req_id),
        await other_till.post(
            "/bc-authorize/events", {"auth_req_id": auth_req_id, **other_till.credentials()}
        ),
    ]
    assert {answer.json()["error"] for answer in answers} == {"invalid_grant"}
    events = await told(service, "token_misused")
    assert [(line["credential"], line["client_id"], line["peer"]) for line in events] == [
        ("auth_req_id", "other-till", PEER)
    ] * 3


async def with_proof(service: RunningService, dpop: WireDpop, token: str, **changed: Any) -> None:
    """Userinfo with a token and a proof."""
    proof = dpop.proof(
        "GET", f"{service.issuer}/userinfo", service.clock.now(), access_token=token, **changed
    )
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    dpop.learn(await service.http.get("/userinfo", headers=headers))


async def test_a_certificate_that_is_missing_is_told(run_service: ServiceRunner):
    """A client whose tokens must be bound to one cannot get any without."""
    till = WireClient("till", metadata={"profile": "fapi-ciba"})
    sections = {"mtls": {"base_url": "http://127.0.0.1:1", "proxies": ["192.0.2.1"]}}
    async with run_service(clients=[till], sections=sections) as bank:
        await till.poll(secrets.token_urlsafe(32))
        assert await told(bank, "sender_constraint_refused") == [
            {
                "kind": "sender_constraint_refused",
                "constraint": "certificate",
                "cause": "missing",
                "client_id": "till",
                "peer": PEER,
            }
        ]


async def test_what_becomes_of_registered_clients_is_told(run_service: ServiceRunner):
    """Who registered by whose leave, changed, was removed; and who had no right to."""
    async with run_service(clients=[], sections={"registration": registration_section()}) as bank:
        client, answer = await registered(bank)
        await register(bank, {}, token="wrong")
        await configure(bank, "GET", answer, token="wrong")
        changed = {**metadata_of(client.key), "client_id": client.client_id}
        await configure(bank, "PUT", answer, changed)
        await configure(bank, "DELETE", answer)
        await configure(bank, "GET", answer)
        events = [
            (line["kind"], line.get("cause"), line.get("client_id")) for line in await told(bank)
        ]
    assert events == [
        ("client_registered", None, client.client_id),
        ("registration_refused", "unknown", None),
        ("registration_refused", "foreign", client.client_id),
        ("client_replaced", None, client.client_id),
        ("client_removed", None, client.client_id),
        ("registration_refused", "unknown", None),
    ]


def pinged(endpoint: CallbackEndpoint) -> WireClient:
    """A client that is told at an endpoint."""
    metadata = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": endpoint.url,
    }
    return WireClient("till", metadata=metadata)


async def denied(bank: RunningService) -> None:
    """A request that ends with a callback."""
    phone = await bank.enrolled_phone("alice")
    await bank.till.started(client_notification_token="T" * 32)
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge))
    await bank.telemetry.seen("callback_attempted")


async def test_a_callback_that_is_refused_is_told(run_service: ServiceRunner, tmp_path: Path):
    """What the client's endpoint answered, and that nobody tries again."""
    delivery = {"callback_delay_ms": 0}
    async with callback_endpoint(tmp_path) as endpoint:
        endpoint.answers = [answer("403 Forbidden")]
        sections = {"outbound": outbound_section(tmp_path), "delivery": delivery}
        async with run_service(clients=[pinged(endpoint)], sections=sections) as bank:
            await denied(bank)
            await bank.telemetry.seen("callback_abandoned")
            refused, given_up = await told(bank, "callback_refused", "callback_given_up")
    assert (refused["status"], refused["client_id"]) == (403, "till")
    assert (given_up["reason"], given_up["client_id"]) == ("refused", "till")
    assert refused["transaction_id"] == given_up["transaction_id"]


async def test_an_address_that_is_never_asked_is_told(run_service: ServiceRunner, tmp_path: Path):
    """A client that registers an address inside has lost its way, or seeks one."""
    async with callback_endpoint(tmp_path) as endpoint:
        sections = {"delivery": {"callback_delay_ms": 0}}
        async with run_service(clients=[pinged(endpoint)], sections=sections) as bank:
            await denied(bank)
            (refused,) = await told(bank, "outbound_refused")
    assert refused == {
        "kind": "outbound_refused", "use": "callback", "address": "private", "client_id": "till",
    }  # fmt: skip


async def test_keys_behind_such_an_address_are_told(run_service: ServiceRunner):
    """Its assertions cannot be verified either."""
    metadata = {"jwks": None, "jwks_uri": "https://127.0.0.1:1/jwks"}
    async with run_service(clients=[WireClient("till", metadata=metadata)]) as bank:
        await bank.till.start()
        refused, failed = await told(bank)
    assert (refused["use"], refused["address"]) == ("client_keys", "private")
    assert (failed["cause"], failed["client_id"]) == ("keys_unavailable", "till")


async def test_passkeys_are_told(run_service: ServiceRunner, till: WireClient):
    """One that is added, and its end."""
    async with run_service(clients=[till], sections=SECTIONS) as bank:
        phone = await bank.enrolled_phone("alice")
        name = (await with_passkey(phone)).passkey.passkey_id
        await phone.send({"type": "remove_passkey", "passkey_id": name})
        added = await told(bank, "passkey_registered")
        removed = await told(bank, "passkey_revoked")
    assert [line["device_id"] for line in (*added, *removed)] == [phone.device_id] * 2
