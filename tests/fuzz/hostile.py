"""What strangers send: bytes of any kind, and valid objects with one thing wrong in them."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hypothesis import strategies as st

__all__ = [
    "RAW",
    "TRICKS",
    "altered",
    "any_json",
    "any_text",
    "compact",
    "damaged",
    "documents",
    "odd_values",
    "outcome",
]

RAW: Final = st.binary(max_size=256)

TRICKS: Final = (
    b"",
    b"null",
    b"true",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\0}\0",
    b"NaN",
    b'{"a":Infinity}',
    b'{"a":1e999}',
    b'{"a":-1e-999}',
    b'{"a":1,"a":2}',
    b'{"a":"\\ud800"}',
    b'{"\\udc00":1}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\\u0000"}',
    b'{"a":' + b"9" * 4_000 + b"}",
    b'{"a":' + b"9" * 100_000 + b"}",
    b'{"a":0.' + b"1" * 100_000 + b"}",
    b'{"a":1e' + b"9" * 5_000 + b"}",
    b"[" * 900 + b"]" * 900,
    b"[" * 100_000,
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"a":' * 50_000,
    b'{"a":"' + b"\\" * 99_999,
    b"[" + b"1," * 30_000 + b"1]",
)
"""JSON, or nearly, that has broken some reader."""

any_text: Final = st.one_of(
    st.text(max_size=40),
    st.text(
        alphabet="\0\r\n\t ,;=\"'\\:/?#%&+-._~[]{}()<>|@\u202e\u0130\ud800\U0001f600é", max_size=24
    ),
    st.sampled_from(
        ["", "a" * 5_000, "%", "=" * 300, "9" * 5_000, "\u0661", "1e3", "-0", "é" * 300]
    ),
)

any_json: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text("abtk_\0", max_size=4), inner, max_size=4),
    ),
    max_leaves=12,
)


def _nested(depth: int) -> list[object]:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


odd_values: Final = st.one_of(
    any_json,
    st.sampled_from([10**40, -(10**40), 10**4_000, 2**53 + 1, 2**63, 2**64, -1, 0.5, 1e308, True]),
    st.sampled_from(
        ["", "0", "null", "a" * 3_000, "\0", "\u202eabc", [], {}, [[]], [{}], {"": {}}]
    ),
    st.sampled_from([20, 200, 500]).map(_nested),
)
"""Put in the place of one value of a valid object."""


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _places(inner, (*path, number))


def _copied(value: object, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> object:
    copy = json.loads(json.dumps(value))
    place = copy
    for step in path[:-1]:
        place = place[step]
    change(place, path[-1])
    return copy


@st.composite
def altered(draw: st.DrawFn, valid: Mapping[str, Any] | list[Any]) -> Any:
    """The object with one value replaced, removed, or another member put beside it."""
    path = draw(st.sampled_from([each for each in _places(valid) if each]))
    what = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
    odd = draw(odd_values)
    name = draw(st.sampled_from(["", "kty", "d", "x5c", "crit", "b64", "zip", "__proto__", "\0"]))

    def change(place: Any, last: Any) -> None:
        if what == "remove":
            del place[last]
        elif what == "add" and isinstance(place, dict):
            place[name] = odd
        else:
            place[last] = odd

    return _copied(valid, path, change)


@st.composite
def damaged(draw: st.DrawFn, valid: bytes) -> bytes:
    """The bytes with some cut out, doubled, changed or put in between."""
    start = draw(st.integers(0, len(valid)))
    end = draw(st.integers(start, min(len(valid), start + 40)))
    inserted = draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(valid[start:end] * 2)))
    return valid[:start] + inserted + valid[draw(st.sampled_from([start, end])) :]


def documents(valid: Mapping[str, Any] | list[Any]) -> st.SearchStrategy[bytes]:
    """JSON texts: raw bytes, known tricks, and this document with something wrong in it."""
    return st.one_of(
        RAW,
        st.sampled_from(TRICKS),
        any_json.map(compact),
        altered(valid).map(compact),
        damaged(compact(valid)),
    )


def compact(value: object) -> bytes:
    """JSON of a value, however odd."""
    return json.dumps(value).encode()


def outcome(read: Callable[..., Any], *declared: type[Exception]) -> Callable[..., Any]:
    """Call a reader; None when it refuses with what it declares. Anything else comes through."""

    def call(*args: Any, **named: Any) -> Any:
        try:
            return read(*args, **named)
        except declared:
            return None

    return call
