"""What clients call users: as they are, or by a name of their sector."""

from typing import Any

import pytest

from ciba_service.protocol.client.metadata import Client, register_client
from ciba_service.protocol.subject_identifiers import SubjectIdentifiers
from tests.wire.client import CIBA

KEY = bytes(range(32))


def client(host: str | None = None, **members: Any) -> Client:
    """One that polls, of the sector of ``host``, or of none."""
    pairwise = {"subject_type": "pairwise", "jwks_uri": f"https://{host}/jwks"}
    return register_client(
        {
            "client_id": "till",
            "profile": "ciba-core",
            "grant_types": [CIBA],
            "backchannel_token_delivery_mode": "poll",
            **({"jwks_uri": "https://till.example/jwks"} if host is None else pairwise),
            **members,
        }
    )


SHOP, CAFE, PUBLIC = client("shop.example"), client("cafe.example"), client()


@pytest.fixture
def identifiers() -> SubjectIdentifiers:
    """Those of one service."""
    return SubjectIdentifiers(KEY)


@pytest.mark.clause("ciba-4-16")
def test_a_user_has_one_name_in_each_sector(identifiers: SubjectIdentifiers):
    """Always the same in one, another in the next, and none that says who it is."""
    in_shop, in_cafe = identifiers.told(SHOP, "alice"), identifiers.told(CAFE, "alice")
    assert in_shop == identifiers.told(client("SHOP.example"), "alice")
    assert len({in_shop, in_cafe, "alice", identifiers.told(SHOP, "bob")}) == 4
    assert identifiers.told(PUBLIC, "alice") == "alice"
    assert identifiers.pairwise(PUBLIC, "alice") is None


def test_another_service_has_other_names(identifiers: SubjectIdentifiers):
    """The key decides: whoever knows all users cannot find out who a name is."""
    assert SubjectIdentifiers(bytes(32)).told(SHOP, "alice") != identifiers.told(SHOP, "alice")


@pytest.mark.parametrize("subject", ["a", "alice", "Ünï çødé", "x" * 175])
def test_a_name_of_the_sector_leads_back(identifiers: SubjectIdentifiers, subject: str):
    """To the user, for clients of that sector alone."""
    name = identifiers.told(SHOP, subject)
    assert name.isascii()
    assert len(name) <= 255
    assert identifiers.subject(SHOP, name) == subject
    assert identifiers.subject(CAFE, name) == name
    assert identifiers.subject(PUBLIC, name) == name


@pytest.mark.parametrize("name", ["", "alice", "+49 1", "Zoë", "A" * 22, "A" * 43, "x" * 255])
def test_what_is_no_name_of_the_sector_stays_what_it_is(identifiers: SubjectIdentifiers, name: str):
    """A hint may name a user in any other way."""
    assert identifiers.subject(SHOP, name) == name


def test_very_long_subjects_stay_apart_within_what_a_sub_may_be(identifiers: SubjectIdentifiers):
    """255 ASCII characters (OpenID Connect Core 2); such a name cannot be read back."""
    names = [identifiers.told(SHOP, "x" * 254 + last) for last in "ab"]
    assert names[0] != names[1]
    assert [len(name) for name in names] == [255, 255]
    assert identifiers.subject(SHOP, names[0]) == names[0]
