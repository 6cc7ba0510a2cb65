"""Rules of the operators' door, each alone."""

import pytest

from ciba_service.flow.operators.user_documents import ActivationCode
from ciba_service.protocol.operators.guessing import MOST_WRONG, WINDOW_MS, WrongTokens
from ciba_service.protocol.operators.origins import AllowedOrigins
from ciba_service.protocol.operators.sessions import SessionCookie


def test_wrong_tokens_are_counted_for_a_minute_from_the_first():
    """Each address has its own count; beyond a thousand the longest silent is forgotten."""
    wrong = WrongTokens()
    counts = [wrong.count("a", now=at) for at in range(MOST_WRONG + 1)]
    assert counts == list(range(1, MOST_WRONG + 2))
    assert wrong.count("b", now=0) == 1
    assert wrong.count("a", now=WINDOW_MS - 1) == MOST_WRONG + 2
    assert wrong.count("a", now=WINDOW_MS) == 1
    for number in range(1_023):
        wrong.count(f"other-{number}", now=0)
    assert wrong.count("b", now=1) == 1
    assert wrong.count("other-1022", now=1) == 2


@pytest.mark.parametrize(
    ("host", "base_url", "name", "origin", "expected"),
    [
        ("127.0.0.1", None, "localhost:1", "http://localhost:1", (True, True)),
        ("127.0.0.1", None, "localhost:1", "https://localhost:1", (True, False)),
        ("10.0.0.1", None, "10.0.0.1:8090", "https://10.0.0.1:8090", (True, True)),
        ("::1", None, "[::1]:8090", None, (True, True)),
        ("fd00::1", None, "[fd00::1]", None, (True, True)),
        ("fd00::1", None, "[fd00::2]", None, (False, True)),
        ("127.0.0.1", "https://ops.example", "OPS.example", "https://ops.EXAMPLE", (True, True)),
        ("127.0.0.1", "https://ops.example", "ops.example", "http://ops.example", (True, False)),
        ("127.0.0.1", None, "", None, (False, True)),
        ("127.0.0.1", None, "localhost:", None, (False, True)),
        ("127.0.0.1", None, "localhost:1:1", None, (False, True)),
    ],
)
def test_hosts_and_origins_of_ours(
    host: str, base_url: str | None, name: str, origin: str | None, expected: tuple[bool, bool]
):
    """The name with any port, and the origin to the letter, but for capitals."""
    allowed = AllowedOrigins.of(host=host, has_tls=host[0] in "1f", base_url=base_url)
    if host in {"127.0.0.1", "::1"}:
        allowed = AllowedOrigins.of(host=host, has_tls=False, base_url=base_url)
    found = (allowed.has_host(name), allowed.lets_in(host=name, origin=origin, site=None))
    assert found == expected


def test_secrets_show_in_no_representation():
    """A traceback that prints them says nothing."""
    cookie = SessionCookie.new("0" * 32, lambda count: b"s" * count)
    assert SessionCookie.parse(cookie.text) == cookie
    assert cookie.secret not in repr(cookie)
    assert cookie.csrf_token != cookie.hash
    assert "code" not in repr(ActivationCode("code", 600, "secret")).removeprefix("ActivationCode")
