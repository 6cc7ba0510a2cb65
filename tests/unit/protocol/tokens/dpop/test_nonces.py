"""DPoP nonces that need no store: unpredictable, shared by all processes, short-lived."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.tokens.dpop.nonces import NONCE_SLOT, DpopNonces

BEGIN = 1_795_230_000 // NONCE_SLOT * NONCE_SLOT
NONCES = DpopNonces(b"k" * 32)
ELSEWHERE = DpopNonces(b"k" * 32)


@given(issued=st.floats(0, 10**10), age=st.floats(0, 3 * NONCE_SLOT))
def test_a_nonce_lives_one_slot_at_least_and_two_at_most(issued: float, age: float):
    """In any process with the same key."""
    nonce, now = NONCES.current(issued), issued + age
    slots = now // NONCE_SLOT - issued // NONCE_SLOT
    assert ELSEWHERE.is_fresh(nonce, now) is (slots <= 1)
    assert age >= NONCE_SLOT or ELSEWHERE.is_fresh(nonce, now)


def test_a_nonce_is_replaced_before_it_dies():
    """In its second slot it is still good and no longer the one to hand out."""
    nonce = NONCES.current(BEGIN)
    seen = [
        (NONCES.is_fresh(nonce, BEGIN + after), NONCES.current(BEGIN + after) == nonce)
        for after in (0, NONCE_SLOT - 1, NONCE_SLOT, 2 * NONCE_SLOT - 1, 2 * NONCE_SLOT)
    ]
    assert seen == [(True, True), (True, True), (True, False), (True, False), (False, False)]


@pytest.mark.clause("rfc9449-8-2")
def test_nobody_without_the_key_can_make_one():
    """Neither another key, nor another time, nor a part of it; it is 256 bits of text."""
    nonce = NONCES.current(BEGIN)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", nonce)
    foreign = (
        DpopNonces(b"x" * 32).current(BEGIN),
        NONCES.current(BEGIN + NONCE_SLOT),
        nonce[:-1],
        nonce + "A",
        nonce.swapcase(),
        f" {nonce}",
        "",
        "é",
        "\ud800",
    )
    assert not [each for each in foreign if NONCES.is_fresh(each, BEGIN)]
    assert len({NONCES.current(BEGIN + slot * NONCE_SLOT) for slot in range(100)}) == 100
