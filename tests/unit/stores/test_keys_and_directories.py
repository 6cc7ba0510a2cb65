"""Names of keys, and the clients and users of the configuration."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.ports import User
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.request.hints import (
    IdentifierKind,
    UserIdentifier,
    parse_login_hint,
)
from ciba_service.sca.messages import transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.stores import keys
from ciba_service.stores.clients.configured import ConfiguredClients, ConfiguredUsers

ALICE, BOB = User("alice"), User("bob", enabled=False)


@given(raw=st.binary(min_size=16, max_size=16))
def test_the_partition_is_the_first_byte(raw: bytes):
    """Every transaction id has its partition, whatever bits stand behind the first byte."""
    assert keys.partition_of(base64url(raw)) == raw[0]


@given(secret=st.binary(min_size=32, max_size=32))
def test_every_auth_req_id_leads_to_a_key(secret: bytes):
    """The key has the partition as its tag, so that all of a transaction is in one slot."""
    name = transaction_id(base64url(secret))
    tag = f"ciba:{{p{keys.partition_of(name)}}}:"
    assert keys.transaction_key(name) == f"{tag}tx:{name}"
    assert keys.grant_key(name) == f"{tag}grant:{name}"


@given(subject=st.text(st.characters(codec="utf-8")))
def test_a_user_is_named_by_a_hash(subject: str):
    """Any subject has a tag of 22 harmless characters; different subjects have different ones."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", user_tag(subject))
    assert user_tag(subject) != user_tag(subject + "x")


def test_identifiers_that_were_used_share_a_slot_with_those_before_them():
    """One script looks at all four, wherever the partition is."""
    names = keys.replay_keys(1023)
    assert len(set(names)) == 4
    assert {name.partition("}")[0] for name in names} == {"ciba:{r1023"}


def test_only_these_keys_may_live_for_ever():
    """The list is short: due work, evidence, phones, attempts, blocks, preset codes, clients."""
    tag = user_tag("alice")
    lasting = [
        keys.due_key(255),
        keys.devices_key(tag),
        keys.attempts_key(tag),
        keys.blocks_key(tag),
        keys.wake_ups_key(tag),
        keys.counts_key(tag, "phone"),
        keys.activation_key("x", preset=True),
        keys.registration_key("shop"),
        keys.registrations_key(),
        keys.evidence_key(255),
        keys.chain_key(255),
    ]
    fading = [
        keys.transaction_key("AAECAwQFBgcICQoLDA0ODw"),
        keys.prompts_key(tag),
        keys.removal_key(tag, "order"),
        keys.otp_key(tag, "phone"),
        keys.spent_key(tag, "operation"),
        keys.attempt_key(tag, "operation"),
        keys.activation_key("x", preset=False),
        keys.activation_use_key("x", "operation"),
        *keys.replay_keys(0),
        keys.client_change_key("shop", "operation"),
        keys.handle_key("x"),
        keys.handles_key(tag),
        keys.handle_use_key(tag, "operation"),
        keys.notices_key(tag),
    ]

    def lasts(key: str) -> bool:
        return any(re.fullmatch(pattern, key) for pattern in keys.PERSISTENT_KEYS)

    assert all(lasts(key) for key in lasting)
    assert not any(lasts(key) for key in fading)
    assert len(keys.PERSISTENT_KEYS) == len(lasting)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        ("alice", ALICE),
        ("alice@example.org", ALICE),
        ("Alice@EXAMPLE.org", ALICE),
        ("+4930123", ALICE),
        ("+49 (30) 12-3", ALICE),
        ("bob", BOB),
    ],
)
async def test_users_are_found_by_subject_and_by_hint(hint: str, expected: User):
    """A disabled user is found, too: refusing is the gate's business."""
    users = ConfiguredUsers([(ALICE, ["alice@example.org", "+4930123"]), (BOB, [])])
    assert await users.find(parse_login_hint(hint)) == expected


async def test_a_name_of_no_said_kind_counts_to_the_letter():
    """An issuer elsewhere may call a user by an address without saying that it is one."""
    users = ConfiguredUsers([(ALICE, ["Alice@example.org"])])
    assert await users.find(UserIdentifier(IdentifierKind.NAME, "Alice@example.org")) == ALICE
    assert await users.find(UserIdentifier(IdentifierKind.NAME, "alice@example.org")) is None
    assert await users.find(UserIdentifier(IdentifierKind.SUBJECT, "Alice@example.org")) is None
    assert await users.find(UserIdentifier(IdentifierKind.SUBJECT, "alice")) == ALICE


async def test_strangers_are_not_found():
    """Neither a hint nor a subject of nobody finds anybody."""
    users = ConfiguredUsers([(ALICE, ["alice@example.org"])])
    assert await users.find(parse_login_hint("ALICE")) is None
    assert await users.find_subject("alice@example.org") is None
    assert await users.find_subject("alice") == ALICE
    assert await ConfiguredClients([]).find("till") is None
