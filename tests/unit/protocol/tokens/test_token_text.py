"""Tokens as text: they name their transaction, are unguessable, and are kept as hashes."""

import base64
import hashlib
import secrets

import pytest

from ciba_service.protocol.tokens.token_text import (
    MAXIMUM_TOKEN_LENGTH,
    new_token,
    token_hash,
    transaction_of,
)
from tests.wire.signing import new_key, segment, sign

TRANSACTION = "AAECAwQFBgcICQoLDA0ODw"


@pytest.mark.clause("fapi1-p1-5.2.2-16", "fapi2-sp-5.4.1-4")
def test_an_opaque_token_is_256_random_bits_beside_a_name():
    """Sixty-four characters, different each time, of which the first name the transaction."""
    asked: list[int] = []

    def token_bytes(count: int) -> bytes:
        asked.append(count)
        return secrets.token_bytes(count)

    tokens = {new_token(TRANSACTION, token_bytes) for _ in range(100)}
    assert asked == [32] * 100
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {64}
    assert {transaction_of(token) for token in tokens} == {TRANSACTION}


def test_a_jwt_names_its_transaction():
    """In ``txn``, read before anything is verified: the hash decides whether it is ours."""
    token = sign({"alg": "ES256"}, {"txn": TRANSACTION}, new_key())
    assert transaction_of(token) == TRANSACTION


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "é", "\ud800", "A" * 63, "A" * 65, "A" * 64 + "=", " " * 64, "..", "a.b.c",
        f"{segment({'alg': 'none'})}.{segment({})}.",
        f"{segment({'alg': 'none'})}.{segment({'txn': 7})}.",
        f"{segment({'alg': 'none'})}.{segment({'txn': 'A' * 21})}.",
        f"{segment({'alg': 'none'})}.{segment({'txn': '../' + TRANSACTION})}.",
        f"{segment({'alg': 'none'})}.{segment({'txn': TRANSACTION, 'x': 'x' * 9000})}.",
        "A" * (MAXIMUM_TOKEN_LENGTH + 1),
    ],
    ids=lambda text: ascii(text)[:24],
)  # fmt: skip
def test_other_text_is_no_token(text: str):
    """Whatever is presented, it names a transaction of our shape or nothing."""
    assert transaction_of(text) is None


def test_a_token_is_kept_as_its_sha_256():
    """Any text has a hash, even one that UTF-8 cannot write."""
    digest = hashlib.sha256(b"token").digest()
    assert token_hash("token") == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert token_hash("\ud800") != token_hash("?")
