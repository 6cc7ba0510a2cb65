"""Enrolling phones: an activation code, a second secret, and proof of a key."""

import pytest
from joserfc.jwk import ECKey, RSAKey

from ciba_service.ports import Activation
from ciba_service.sca.factors.activation import ATTEMPT_LIMIT
from ciba_service.sca.phones.devices import MAXIMUM_DEVICES
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import sign

REFUSAL = {"error": "invalid_enrolment", "error_description": "The enrolment is not valid."}


@pytest.mark.clause("sca-art25-5")
async def test_a_phone_counts_once_it_is_activated(service: RunningService):
    """Before its activation a user cannot be asked; after it the phone approves."""
    assert (await service.till.start()).json()["error"] == "unknown_user_id"
    phone = await service.enrolled_phone("alice")
    auth_req_id = await service.till.started()
    await phone.approve_next()
    assert (await service.till.poll(auth_req_id)).status_code == 200


@pytest.mark.clause("sca-art25-4", "sca-art24-1", "sca-art25-1")
async def test_code_and_second_secret_enrol_together(service: RunningService):
    """The code that came one way is worth nothing without the secret that came another."""
    code = await service.activation_code("alice", "482913")
    phone = service.phone()
    for wrong in (None, "", "482914"):
        refused = await phone.send_enrolment(phone.enrolment(code, second_secret=wrong))
        assert (refused.status_code, refused.json()) == (400, REFUSAL)
    assert (await phone.enrol(code, second_secret="482913")).device_id


async def test_people_type_codes_as_they_read_them(service: RunningService):
    """Case, separators and look-alike letters do not matter."""
    code = await service.activation_code("alice")
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert (await service.phone().enrol(typed)).device_id


async def test_a_preset_code_enrols_one_phone(run_service: ServiceRunner, till: WireClient):
    """A code of the configuration is taken as people type it, and once only."""
    users = ({"sub": "alice", "activation_code": "ALICE-PHONE-ONE"},)
    sections = {"device": {"second_secret": False}}
    async with run_service(clients=[till], users=users, sections=sections) as service:
        assert (await service.phone().enrol("alice phone one")).device_id
        other = service.phone()
        refused = await other.send_enrolment(other.enrolment("ALICE-PHONE-ONE"))
        assert (refused.status_code, refused.json()) == (400, REFUSAL)


async def test_every_refusal_looks_the_same(run_service: ServiceRunner, till: WireClient):
    """Unknown, used and expired codes, wrong second secrets and disabled users: one answer."""
    users = ({"sub": "alice"}, {"sub": "bob", "enabled": False})
    async with run_service(clients=[till], users=users) as service:
        used = await service.activation_code("alice")
        await service.phone().enrol(used)
        codes = {
            "unknown": ("K7QM-2RXP-9D4T", None),
            "used": (used, None),
            "expired": (await expired_code(service), None),
            "second secret": (await service.activation_code("alice", "482913"), "111111"),
            "disabled": (await service.activation_code("bob"), None),
        }
        phone = service.phone()
        for code, second_secret in codes.values():
            refused = await phone.send_enrolment(phone.enrolment(code, second_secret=second_secret))
            assert (refused.status_code, refused.json()) == (400, REFUSAL)


async def expired_code(service: RunningService) -> str:
    """A code whose time is over by the clock of the store."""
    code = "EXPRD-CODE-42"
    await service.service.stores.activations.put(
        "EXPRDC0DE42", Activation("alice", further=True), None, until=1
    )
    return code


@pytest.mark.clause("sca-art25-1")
async def test_the_fifth_wrong_second_secret_burns_the_code(service: RunningService):
    """After it even the right secret does not enrol."""
    code = await service.activation_code("alice", "482913")
    phone = service.phone()
    for guess in range(ATTEMPT_LIMIT):
        refused = await phone.send_enrolment(phone.enrolment(code, second_secret=f"{guess}"))
        assert refused.json() == REFUSAL
    late = await phone.send_enrolment(phone.enrolment(code, second_secret="482913"))
    assert (late.status_code, late.json()) == (400, REFUSAL)


async def test_a_resent_enrolment_gets_the_same_phone(service: RunningService):
    """A phone that lost the answer sends the same bytes and gets the same keys and secrets."""
    phone = service.phone()
    enrolment = phone.enrolment(await service.activation_code("alice"))
    first, second = [(await phone.send_enrolment(enrolment)).json() for _ in range(2)]
    phone.learn(first)
    secrets = (phone.device_id, phone.pin_key, phone.totp_secret)
    phone.learn(second)
    assert secrets == (phone.device_id, phone.pin_key, phone.totp_secret)


async def test_a_used_code_enrols_no_other_phone(service: RunningService):
    """A second phone with the code of the first is refused, and the first one stays."""
    code = await service.activation_code("alice")
    phone = await service.phone().enrol(code)
    other = service.phone()
    refused = await other.send_enrolment(other.enrolment(code))
    assert (refused.status_code, refused.json()) == (400, REFUSAL)
    await service.till.started()
    assert (await phone.approve_next())["type"] == "accepted"


async def test_a_first_code_enrols_no_further_phone(service: RunningService):
    """Of two codes for a first phone the second is worth nothing once the first was used."""
    codes = [await service.activation_code("alice", further=False) for _ in range(2)]
    await service.phone().enrol(codes[0])
    other = service.phone()
    refused = await other.send_enrolment(other.enrolment(codes[1]))
    assert (refused.status_code, refused.json()) == (400, REFUSAL)


async def test_every_other_phone_hears_of_a_new_one(service: RunningService, phone: WirePhone):
    """The phones a user has are told name and id of the one that was added."""
    async with phone.online() as socket:
        tablet = await service.enrolled_phone("alice", "Tablet")
        assert await socket.next("device_enrolled") == {
            "type": "device_enrolled",
            "device_id": tablet.device_id,
            "name": "Tablet",
        }


async def test_a_user_has_so_many_phones(service: RunningService):
    """One phone more than the limit is refused like any other enrolment."""
    for number in range(MAXIMUM_DEVICES):
        await service.enrolled_phone("alice", f"Phone {number}")
    phone = service.phone()
    refused = await phone.send_enrolment(phone.enrolment(await service.activation_code("alice")))
    assert (refused.status_code, refused.json()) == (400, REFUSAL)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://other.example"},
        {"name": ""},
        {"name": "n" * 65},
        {"name": "two\nlines"},
        {"name": " spaced "},
        {"name": "\u3164"},
        {"name": "Ph\u043ene"},
        {"jti": None},
        {"second_secret": 5},
        {"encryption_key": None},
        {"encryption_key": {"kty": "oct", "k": "AAAA"}},
        {"encryption_key": {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}},
    ],
    ids=str,
)
async def test_wrong_claims_do_not_enrol(service: RunningService, change: dict[str, object]):
    """An enrolment that is not exactly one spends nothing: the code still works."""
    code = await service.activation_code("alice")
    phone = service.phone()
    refused = await phone.send_enrolment(phone.enrolment(code, **change))
    assert (refused.status_code, refused.json()) == (400, REFUSAL)
    assert (await phone.enrol(code)).device_id


@pytest.mark.clause("sca-art24-1")
@pytest.mark.parametrize("wrong", ["key", "typ", "rsa", "private"])
async def test_an_enrolment_proves_possession_of_its_key(service: RunningService, wrong: str):
    """Another key than the one in the header, another kind or a private one enrols nothing."""
    code = await service.activation_code("alice")
    phone = service.phone()
    key: ECKey | RSAKey = phone.key
    header = {"alg": "ES256", "typ": "ciba-enrolment+jwt", "jwk": public(phone.key)}
    match wrong:
        case "key":
            key = ECKey.generate_key("P-256", private=True)
        case "typ":
            header["typ"] = "JWT"
        case "rsa":
            key = RSAKey.generate_key(2048, private=True)
            header |= {"alg": "PS256", "jwk": public(key)}
        case _:
            header["jwk"] = phone.key.as_dict(private=True)
    claims = {"aud": service.issuer, "jti": "1", "iat": 1, "activation_code": code, "name": "P"}
    enrolment = sign(header, {**claims, "encryption_key": public(phone.encryption_key)}, key)
    refused = await phone.send_enrolment(enrolment)
    assert (refused.status_code, refused.json()) == (400, REFUSAL)


def public(key: ECKey | RSAKey) -> dict[str, str]:
    """The public half of a key."""
    return {name: str(value) for name, value in key.as_dict(private=False).items()}
