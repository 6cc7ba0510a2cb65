"""Messages that a push service carries and cannot read (RFC 8291)."""

import secrets

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from ciba_service.protocol.push_encryption import encrypted_push, ephemeral_key, push_key
from tests.wire.push_subscription import PushSubscription, base64url, from_base64url, point

# RFC 8291 5, and its appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)


def test_the_example_of_the_rfc():
    """Keys, salt and text of RFC 8291 5 give its message, to the byte."""
    private = int.from_bytes(from_base64url(AS_PRIVATE))
    body = encrypted_push(
        PLAINTEXT,
        receiver=push_key(from_base64url(UA_PUBLIC)),
        auth=from_base64url(AUTH),
        sender=derive_private_key(private, SECP256R1()),
        salt=from_base64url(SALT),
    )
    assert base64url(body) == BODY


def pushed(to: PushSubscription) -> bytes:
    """Something for a subscription."""
    return encrypted_push(
        b"look",
        receiver=push_key(point(to.key.public_key())),
        auth=to.auth,
        sender=ephemeral_key(secrets.token_bytes),
        salt=secrets.token_bytes(16),
    )


def test_only_the_subscription_opens_it():
    """Neither another key nor another secret does, and no two messages are alike."""
    mine = PushSubscription()
    first, second = pushed(mine), pushed(mine)
    assert mine.open(first) == mine.open(second) == b"look"
    assert first[86:] != second[86:]
    assert b"look" not in first
    for other in (PushSubscription(auth=mine.auth), PushSubscription(key=mine.key)):
        with pytest.raises(InvalidTag):
            other.open(first)


def test_keys_are_drawn_from_the_whole_curve():
    """What is drawn at either end is a key, and not that of another draw."""
    for drawn in (bytes(48), b"\xff" * 48):
        ephemeral_key(lambda count, drawn=drawn: drawn[:count])
    assert point(ephemeral_key(bytes).public_key()) != point(
        ephemeral_key(lambda count: b"\1" * count).public_key()
    )


@pytest.mark.parametrize("salt", [b"", b"s" * 15, b"s" * 17])
def test_a_salt_has_sixteen_bytes(salt: bytes):
    """Another one would move the head."""
    with pytest.raises(ValueError, match="16 bytes"):
        encrypted_push(
            b"look",
            receiver=PushSubscription().key.public_key(),
            auth=b"a" * 16,
            sender=ephemeral_key(secrets.token_bytes),
            salt=salt,
        )


@pytest.mark.parametrize("text", [b"", b"\4" * 65, b"\4" + bytes(64), b"\4" + b"\1" * 32])
def test_what_is_no_point_is_no_key(text: bytes):
    """Only points on the curve are taken."""
    with pytest.raises(ValueError, match=r".+"):
        push_key(text)
