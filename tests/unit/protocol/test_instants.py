"""Instants are written down whatever a record says."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.instants import instant, moment


@given(at=st.integers(0, 253_402_300_799_999))
def test_an_instant_is_read_as_the_millisecond_it_was(at: int):
    """It is RFC 3339 in UTC."""
    text = instant(at)
    assert text.endswith("Z")
    assert round(datetime.fromisoformat(text).timestamp() * 1000) == at


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (-1, "1970-01-01T00:00:00.000Z"),
        (-(10**40), "1970-01-01T00:00:00.000Z"),
        (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
        (10**40, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_what_cannot_be_written_is_told_as_the_nearest_that_can(at: int, text: str):
    """Of a record that somebody changed: telling it must not fail."""
    assert instant(at) == text
    assert moment(at).isoformat(timespec="milliseconds") == text.replace("Z", "+00:00")
