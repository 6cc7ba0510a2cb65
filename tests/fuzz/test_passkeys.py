"""What passkeys say: CBOR and COSE of any shape, from browsers and authenticators of any maker."""

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.factors.passkey_proofs import InvalidPasskeyError
from ciba_service.sca.factors.passkeys import Passkey
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, damaged, documents, outcome
from tests.unit.sca.test_passkey_proofs import (
    NAME,
    assertion,
    attested,
    cose,
    data,
    register,
    verify,
)

WHOLE = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data(cose())})
HELD = Passkey(base64url(NAME), cbor2.dumps(cose()), 0, False, False, 0, "order")  # noqa: FBT003


@fuzzed
@given(st.one_of(RAW, damaged(WHOLE)))
@example(b"\x81" * 6_000)
@example(b"\x9f" * 6_000)
@example(b"\xc2\x59\x10\x00" + b"\xff" * 4_096)
@example(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")
@example(b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff")
@example(b"\xd8\x1d\x00")
@example(b"\xbf\xf6\xf6\xff")
def test_an_attestation_of_any_bytes_is_taken_or_refused(content: bytes) -> None:
    """No structure of CBOR breaks what reads it, or makes it reserve what it promises."""
    passkey = outcome(register, InvalidPasskeyError)(attested(content))
    assert passkey is None or passkey.passkey_id == base64url(NAME)


@fuzzed
@given(st.one_of(RAW, damaged(data()), damaged(data(cose()))))
@example(data(flags=0xFF) + b"\x81" * 6_000)
def test_authenticator_data_of_any_bytes_prove_nothing(auth_data: bytes) -> None:
    """Signed as they are, they are those of a use that was asked for, or refused."""
    verified = outcome(verify, InvalidPasskeyError)(assertion(auth_data=auth_data), HELD)
    assert verified is None or 0 <= verified[1] < 2**32


@fuzzed
@given(documents({"type": "webauthn.get", "challenge": "A", "origin": "https://bank.example"}))
def test_client_data_of_any_content_are_refused(said: bytes) -> None:
    """Whatever a browser says, it has to say the right thing."""
    with pytest.raises(InvalidPasskeyError):
        verify(assertion(said=said), HELD)
    with pytest.raises(InvalidPasskeyError):
        register(attested(WHOLE, said=said))


def test_what_is_altered_here_is_right() -> None:
    """Otherwise it would be refused for another reason."""
    assert register(attested(WHOLE)).public_key == cbor2.dumps(cose())
    assert verify(assertion(), HELD)[0] is HELD
