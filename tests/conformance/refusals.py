"""What every refusal over the wire has in common (CIBA 13, RFC 6749 5.2)."""

import re

import httpx2

_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


def assert_refused(answer: httpx2.Response, status: int, code: str) -> None:
    """Hold status, code, and that the body says the error and nothing else."""
    assert (answer.status_code, answer.json().get("error")) == (status, code), answer.text
    assert set(answer.json()) == {"error", "error_description"}
    assert _DESCRIPTION.fullmatch(answer.json()["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
