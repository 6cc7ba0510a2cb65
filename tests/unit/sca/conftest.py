"""A phone and the service's side of it, without a service."""

import secrets
from dataclasses import dataclass, replace

import pytest
from joserfc.jwk import ECKey

from ciba_service.protocol.jose.encryption import DecryptionKey
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.sca.phones.devices import Device, new_device_id
from ciba_service.stores.service_keys.key_files import FileKeys, generate_keys, load_keys
from tests.fake_clock import FakeClock
from tests.wire.phone import WirePhone
from tests.wire.signing import public_jwk

ISSUER = "https://op.example"
TAG = "AAECAwQFBgcICQoLDA0ODw"


@dataclass
class Enrolled:
    """What a phone has, and what the service keeps of it."""

    phone: WirePhone
    device: Device


@pytest.fixture(scope="session")
def service_keys(tmp_path_factory: pytest.TempPathFactory) -> FileKeys:
    """The service's keys."""
    directory = tmp_path_factory.mktemp("sca-keys")
    generate_keys(directory, random=secrets.token_bytes, now=0)
    return load_keys(directory)


@pytest.fixture
def challenge_key(service_keys: FileKeys) -> SigningKey:
    """What challenges are signed with."""
    return service_keys.challenge_signer.key


@pytest.fixture
def factors_key(service_keys: FileKeys) -> DecryptionKey:
    """What factors are encrypted to."""
    return service_keys.factors_key


def enrolled(factors_key: DecryptionKey) -> Enrolled:
    """A phone as an enrolment leaves it, without having gone through one."""
    phone = WirePhone(
        None,  # type: ignore[arg-type]  # it never sends
        ISSUER,
        FakeClock(),
        device_id=new_device_id(TAG, secrets.token_bytes),
        pin_key=secrets.token_bytes(32),
        totp_secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        service_keys={"encryption": factors_key.public_jwk},
    )
    device = Device(
        device_id=phone.device_id,
        subject="alice",
        name="Alice's phone",
        enrolled_at=0,
        key=replace(parse_verification_key(public_jwk(phone.key)), kid=phone.device_id),
        pin_key=phone.pin_key,
        totp_secret=phone.totp_secret,
    )
    return Enrolled(phone, device)


@pytest.fixture
def alice(factors_key: DecryptionKey) -> Enrolled:
    """Alice's phone."""
    return enrolled(factors_key)


@pytest.fixture
def other(factors_key: DecryptionKey) -> Enrolled:
    """Another phone."""
    return enrolled(factors_key)


@pytest.fixture
def foreign_key() -> ECKey:
    """A key that has nothing to do with anybody here."""
    return ECKey.generate_key("P-256", private=True)
