"""Opaque names and tokens: whatever comes back, only what was given out means anything."""

import hashlib
import secrets
import tracemalloc
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.endpoints.ledger_stream import _last_event_id
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json
from ciba_service.protocol.operators.origins import AllowedOrigins
from ciba_service.protocol.operators.tokens import Operator, OperatorToken, Role, verify_token
from ciba_service.protocol.tokens.token_text import new_token, transaction_of
from ciba_service.sca.factors.activation import new_activation_code, normal_code
from ciba_service.sca.phones.devices import new_device_id, user_tag, user_tag_of
from ciba_service.sca.phones.web_origins import ForeignOrigin, WebOrigins
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, TRICKS, any_text, damaged, outcome
from tests.wire.signing import new_key, sign

TRANSACTION: Final = "A" * 21 + "Q"
TOKEN: Final = new_token(TRANSACTION, secrets.token_bytes)
JWT: Final = sign({"alg": "ES256"}, {"txn": TRANSACTION}, new_key())
DEVICE: Final = new_device_id(user_tag("alice"), secrets.token_bytes)
CODE: Final = new_activation_code(secrets.token_bytes)
OPERATORS: Final = (
    Operator(
        "o",
        frozenset({Role.READ}),
        (OperatorToken(hashlib.sha256(TOKEN.encode()).hexdigest()),),
    ),
)
LATIN: Final = RAW.map(lambda data: data.decode("latin-1"))


def _texts(valid: str) -> st.SearchStrategy[str]:
    """Any text, and this one with something wrong in it."""
    broken = damaged(valid.encode()).map(lambda data: data.decode("latin-1"))
    return st.one_of(any_text, LATIN, broken)


@fuzzed
@given(st.one_of(_texts(TOKEN), _texts(JWT)))
@example("." * 100_000)
@example("A" * 8_193)
def test_a_token_names_a_transaction_or_none(text: str) -> None:
    """What it names has the length of a name, so that it can be looked for."""
    name = transaction_of(text)
    assert name is None or len(name) == 22
    assert verify_token(text, OPERATORS, now=0) is None or text == TOKEN


def test_what_is_changed_here_names_the_transaction() -> None:
    """Otherwise it would be refused for another reason."""
    assert transaction_of(TOKEN) == transaction_of(JWT) == TRANSACTION
    assert verify_token(TOKEN, OPERATORS, now=0) is not None
    assert user_tag_of(DEVICE) == user_tag("alice")


@fuzzed
@given(_texts(DEVICE))
def test_a_device_id_names_a_user_or_none(text: str) -> None:
    """As it was made; nobody is looked for under any other text."""
    tag = user_tag_of(text)
    assert tag is None or text.startswith(tag[:21])


@fuzzed
@given(_texts(CODE))
@example("\u0130\ufb00" * 1_000)
def test_a_code_has_one_spelling(text: str) -> None:
    """However it is typed; what is typed twice is the same code."""
    assert normal_code(normal_code(text)) == normal_code(text)
    assert normal_code(CODE.lower()) == normal_code(CODE)


@fuzzed
@given(RAW)
@example(b"9" * 100_000)
@example("\u0661".encode())
def test_the_last_event_is_a_number_of_ours_or_none(value: bytes) -> None:
    """A stream begins at its beginning where nothing better is said."""
    assert 0 <= _last_event_id(value) < 10**18


@fuzzed
@given(st.lists(_texts("https://app.bank.example:8443"), max_size=3), _texts("bank.example:8090"))
def test_an_origin_is_one_of_ours_or_none(lines: list[str], host: str) -> None:
    """Compared to the letter, whatever a browser or a program sends."""
    pages = WebOrigins.of(["https://app.bank.example:8443"])
    page = outcome(pages.page, ForeignOrigin)(lines)
    assert page is None or lines == [page]
    own = AllowedOrigins.of(host="127.0.0.1", has_tls=False, base_url=None)
    own.has_host(host)
    for origin in lines:
        assert not own.lets_in(host=host, origin=origin, site="cross-site")
        is_let_in = own.lets_in(host=host, origin=origin, site="same-origin")
        assert not is_let_in or origin.lower() == f"http://{host.lower()}"


def test_no_trick_takes_much_memory() -> None:
    """What is read of a text is a few dozen times as large as the text at the most."""
    for trick in TRICKS:
        # Whatever else goes on in the process does not do so three times.
        peak = min(memory_for(trick) for _ in range(3))
        assert peak < 64 * len(trick) + 100_000, trick[:40]


def memory_for(trick: bytes) -> int:
    """How many bytes it takes at the most to read a text."""
    tracemalloc.start()
    try:
        outcome(parse_json, MalformedEncodingError)(trick)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
