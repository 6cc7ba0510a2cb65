"""Registration of mutual TLS clients: one subject, or certificates in the key set."""

from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from ciba_service.protocol.client.certificates.certificate import PresentedChain
from ciba_service.protocol.client.certificates.registration import (
    InvalidCertificateMetadataError,
    register_certificate_rule,
)
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.certificates.subject import RegisteredSubject, SubjectMember
from tests.unit.protocol.client.certificates.authority import der, key, self_signed

PKI = {"token_endpoint_auth_method": "tls_client_auth"}
SELF_SIGNED = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
VALUES = {
    "tls_client_auth_subject_dn": "CN=till",
    "tls_client_auth_san_dns": "till.example",
    "tls_client_auth_san_uri": "urn:till",
    "tls_client_auth_san_ip": "10.1.2.3",
    "tls_client_auth_san_email": "till@example.com",
}


def jwk(owner: str = "client", **members: Any) -> dict[str, Any]:
    """A public key with the certificate of the same key."""
    pair = key(owner=owner)
    assert isinstance(pair, ec.EllipticCurvePrivateKey)
    numbers = pair.public_key().public_numbers()
    x, y = (
        urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()
        for number in (numbers.x, numbers.y)
    )
    certificate = b64encode(der(self_signed(owner=owner))).decode()
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "x5c": [certificate], **members}


def long_jwk() -> dict[str, Any]:
    """Likewise on a curve on which nothing is signed here."""
    pair = key("P-384", owner="long")
    assert isinstance(pair, ec.EllipticCurvePrivateKey)
    certificate = b64encode(der(self_signed(kind="P-384", owner="long"))).decode()
    return {**ECKey.import_key(pair.public_key()).as_dict(private=False), "x5c": [certificate]}


def without_certificate() -> dict[str, Any]:
    """A key as private_key_jwt clients register it."""
    return {name: value for name, value in jwk().items() if name != "x5c"}


@pytest.mark.clause("rfc8705-2.1.2-1")
@pytest.mark.parametrize("member", list(SubjectMember))
def test_one_subject_is_registered(member: SubjectMember):
    """Any of the five kinds; null counts as absent."""
    others = dict.fromkeys(VALUES, None)
    rule = register_certificate_rule(PKI | others | {member.value: VALUES[member]})
    assert rule == RegisteredSubject.parse(member, VALUES[member])


@pytest.mark.clause("rfc8705-2.1.2-1")
@pytest.mark.parametrize(
    "members",
    [
        {},
        {name: VALUES[name] for name in list(VALUES)[:2]},
        VALUES,
        {"tls_client_auth_subject_dn": "till"},
        {"tls_client_auth_san_dns": "*.example"},
        {"tls_client_auth_san_ip": ""},
        {"tls_client_auth_san_uri": 7},
        {"tls_client_auth_san_email": ["till@example.com"]},
    ],
)
def test_no_several_or_malformed_subjects_are_refused(members: dict[str, object]):
    """The text names the member."""
    with pytest.raises(InvalidCertificateMetadataError, match="tls_client_auth"):
        register_certificate_rule(PKI | members)


@pytest.mark.parametrize(
    "method", [None, "private_key_jwt", "self_signed_tls_client_auth", "client_secret_basic"]
)
@pytest.mark.parametrize("member", list(SubjectMember))
def test_a_subject_goes_with_no_other_method(method: str | None, member: SubjectMember):
    """Somebody would believe that it protects the client."""
    members = {"token_endpoint_auth_method": method, member.value: VALUES[member]}
    with pytest.raises(InvalidCertificateMetadataError, match=member):
        register_certificate_rule(members)


@pytest.mark.parametrize("method", [None, "private_key_jwt", "client_secret_basic"])
def test_other_methods_have_no_rule(method: str | None):
    """Whether they are allowed is decided elsewhere."""
    members = {"token_endpoint_auth_method": method, "jwks": {"keys": []}}
    assert register_certificate_rule(members) is None


@pytest.mark.clause("rfc8705-2.2-1")
def test_certificates_come_from_the_key_set():
    """Every signature key may have one; the first of a chain counts."""
    first, second, third = jwk(), jwk("other"), jwk("third", use="enc")
    first["x5c"] *= 2
    jwks = {"keys": [first, second, third, without_certificate()]}
    rule = register_certificate_rule(SELF_SIGNED | {"jwks": jwks})
    assert isinstance(rule, RegisteredCertificates)
    known = [
        PresentedChain.parse([b64decode(each["x5c"][0])]).leaf in rule
        for each in (first, second, third)
    ]
    assert known == [True, True, False]


def test_a_certificate_may_be_of_a_key_that_signs_nothing_else():
    """In TLS there are more curves than there are for JWTs here."""
    certified = long_jwk()
    rule = register_certificate_rule(SELF_SIGNED | {"jwks": {"keys": [certified]}})
    assert isinstance(rule, RegisteredCertificates)
    assert PresentedChain.parse([b64decode(certified["x5c"][0])]).leaf in rule


def test_with_a_jwks_uri_nobody_is_proved_until_it_was_read():
    """The rule is there, and empty."""
    rule = register_certificate_rule(SELF_SIGNED | {"jwks_uri": "https://till.example/jwks"})
    assert rule == RegisteredCertificates()


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="no-keys"),
        pytest.param({"jwks": {"keys": [jwk()]}, "jwks_uri": "https://a.example"}, id="both"),
        pytest.param({"jwks": {}}, id="no-set"),
        pytest.param({"jwks": {"keys": "key"}}, id="keys-a-string"),
        pytest.param({"jwks": {"keys": []}}, id="empty-set"),
        pytest.param({"jwks": {"keys": [jwk()] * 33}}, id="too-many"),
        pytest.param({"jwks": {"keys": ["key"]}}, id="key-a-string"),
        pytest.param({"jwks": {"keys": [without_certificate()]}}, id="no-certificate"),
        pytest.param({"jwks": {"keys": [jwk(use="enc")]}}, id="encryption-only"),
        pytest.param({"jwks": {"keys": [jwk(x5c=[])]}}, id="x5c-empty"),
        pytest.param({"jwks": {"keys": [jwk(x5c="AAAA")]}}, id="x5c-a-string"),
        pytest.param({"jwks": {"keys": [jwk(x5c=["AAAA"] * 7)]}}, id="x5c-long"),
        pytest.param({"jwks": {"keys": [jwk(x5c=[7])]}}, id="x5c-of-numbers"),
        pytest.param({"jwks": {"keys": [jwk(x5c=["-_-_"])]}}, id="x5c-base64url"),
        pytest.param({"jwks": {"keys": [jwk(x5c=["ä"])]}}, id="x5c-not-ascii"),
        pytest.param({"jwks": {"keys": [jwk(x5c=["A" * 21_852])]}}, id="x5c-too-much"),
        pytest.param({"jwks": {"keys": [jwk(x5c=["AAAA"])]}}, id="x5c-no-certificate"),
        pytest.param({"jwks": {"keys": [jwk(x5c=jwk("other")["x5c"])]}}, id="x5c-of-another-key"),
        pytest.param({"jwks": {"keys": [jwk() | {"x5c": long_jwk()["x5c"]}]}}, id="another-curve"),
        pytest.param({"jwks": {"keys": [jwk(d="AAAA")]}}, id="private-key"),
        pytest.param({"jwks": 7}, id="jwks-a-number"),
    ],
)
def test_a_key_set_that_proves_nobody_is_refused(members: dict[str, object]):
    """Every certificate must be sound and of the key beside it (RFC 7517 4.7)."""
    with pytest.raises(InvalidCertificateMetadataError, match="jwks"):
        register_certificate_rule(SELF_SIGNED | members)
