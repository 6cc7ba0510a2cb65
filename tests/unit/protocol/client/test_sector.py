"""What a pairwise client must register, and whose sector it is in (CIBA 4)."""

from typing import Any

import pytest

from ciba_service.protocol.client.metadata import (
    InvalidMetadataError,
    register_client,
)
from ciba_service.protocol.client.sector import InvalidSectorError, parse_sector_document
from tests.wire.client import CIBA
from tests.wire.signing import new_key, public_jwk

JWKS = {"keys": [public_jwk(new_key())]}
POLL: dict[str, Any] = {
    "client_id": "till",
    "profile": "ciba-core",
    "grant_types": [CIBA],
    "backchannel_token_delivery_mode": "poll",
    "subject_type": "pairwise",
    "jwks_uri": "https://Keys.Shop.example:8443/jwks",
}
PUSH: dict[str, Any] = {
    **POLL,
    "backchannel_token_delivery_mode": "push",
    "backchannel_client_notification_endpoint": "https://push.shop.example/ciba",
    "jwks_uri": None,
    "jwks": JWKS,
}
PING: dict[str, Any] = {
    **POLL,
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://ping.shop.example/ciba",
}
NAMED = {"sector_identifier_uri": "https://shop.example/sector.json"}
BY_AUTHORITY = {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_san_dns": "till.shop.example",
}


def sector(members: dict[str, Any], **changed: Any) -> str | None:
    """That of a client of this metadata; a member set to None is left out."""
    present = {name: value for name, value in {**members, **changed}.items() if value is not None}
    return register_client(present).sector


@pytest.mark.clause("ciba-4-16")
@pytest.mark.parametrize(
    ("members", "host"),
    [
        (POLL, "keys.shop.example"),
        (PING, "keys.shop.example"),
        (PUSH, "push.shop.example"),
        ({**POLL, **NAMED}, "shop.example"),
        ({**PING, **NAMED}, "shop.example"),
        ({**PUSH, **NAMED}, "shop.example"),
    ],
    ids=["poll", "ping", "push", "named poll", "named ping", "named push"],
)
def test_the_sector_is_a_host(members: dict[str, Any], host: str):
    """Of the sector's own URI, or of the key set, or of where tokens are pushed to."""
    assert sector(members) == host


@pytest.mark.parametrize("members", [POLL, PING, PUSH, {**POLL, **NAMED}])
def test_public_clients_are_in_none(members: dict[str, Any]):
    """Which is what a client is that says nothing."""
    assert sector(members, subject_type="public") is None
    assert sector(members, subject_type=None) is None


@pytest.mark.clause("ciba-4-14")
@pytest.mark.parametrize("named", [{}, NAMED], ids=["alone", "named"])
@pytest.mark.parametrize("members", [POLL, PING], ids=["poll", "ping"])
def test_who_polls_or_is_pinged_must_publish_its_keys(
    members: dict[str, Any], named: dict[str, Any]
):
    """A sector's document lists the jwks_uri, so that none can be without one."""
    with pytest.raises(InvalidMetadataError, match="jwks_uri"):
        sector(members, jwks_uri=None, jwks=JWKS, **named)


@pytest.mark.clause("ciba-4-17")
def test_every_request_must_prove_a_key_of_the_client():
    """By an assertion, its certificate or a signed request; an authority's word is not enough."""
    with pytest.raises(InvalidMetadataError) as refused:
        sector(POLL, **BY_AUTHORITY)
    assert refused.value.member == "subject_type"
    signed = {"backchannel_authentication_request_signing_alg": "ES256"}
    assert sector(POLL, **BY_AUTHORITY, **signed) == "keys.shop.example"
    own = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
    assert sector(POLL, **own) == "keys.shop.example"
    # Who is pushed to proves itself by receiving (CIBA 4).
    assert sector(PUSH, jwks=None, **BY_AUTHORITY) == "push.shop.example"


@pytest.mark.parametrize(
    "uri", ["http://shop.example/sector.json", "shop.example", "https://a@shop.example/", ""]
)
def test_a_sector_stands_behind_an_https_url(uri: str):
    """Whether it is used or not."""
    for subject_type in ("pairwise", "public"):
        with pytest.raises(InvalidMetadataError) as refused:
            sector(POLL, subject_type=subject_type, sector_identifier_uri=uri)
        assert refused.value.member == "sector_identifier_uri"


def test_there_are_two_subject_types():
    """And no other."""
    with pytest.raises(InvalidMetadataError) as refused:
        sector(POLL, subject_type="transient")
    assert refused.value.member == "subject_type"


def test_a_document_lists_addresses():
    """A JSON array of strings."""
    listed = parse_sector_document("application/json; charset=utf-8", b'["https://a", "https://b"]')
    assert listed == {"https://a", "https://b"}
    assert parse_sector_document("Application/JSON", b"[]") == frozenset()


@pytest.mark.clause("oidr-5-1")
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/html", b"[]"),
        (None, b"[]"),
        ("application/json", b"{}"),
        ("application/json", b'"https://a"'),
        ("application/json", b'["https://a", 7]'),
        ("application/json", b'["https://a"'),
        ("application/json", b"\xff"),
    ],
)
def test_what_is_no_such_document_is_refused(content_type: str | None, body: bytes):
    """It says which member led there."""
    with pytest.raises(InvalidSectorError, match="sector_identifier_uri"):
        parse_sector_document(content_type, body)
