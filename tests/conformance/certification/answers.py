"""What the certification tests hold answers against, bundle by bundle."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import httpx2

from tests.services.service_process import WallClock

AUTH_REQ_ID = re.compile(r"[A-Za-z0-9._-]+")
ERROR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
PENDING = frozenset({"authorization_pending", "slow_down"})
FLEXIBLE = {"invalid_request": (400,), "access_denied": (403,), "invalid_client": (401, 400)}
YEAR = 31_536_000


def json_of(answer: httpx2.Response) -> dict[str, Any]:
    """The JSON object of an answer that says it is one."""
    assert answer.headers["content-type"].partition(";")[0].strip() == "application/json"
    body = answer.json()
    assert isinstance(body, dict)
    return body


def entropy(text: str) -> float:
    """Shannon entropy of the characters, times their number."""
    counts, length = Counter(text).values(), len(text)
    return -sum(count * math.log2(count / length) for count in counts)


def hold_secret(text: object, bits: float) -> None:
    """Hold that a text is long and random enough, and printable."""
    assert isinstance(text, str)
    assert len(text) >= 16
    assert text.isascii()
    assert text.isprintable()
    assert entropy(text) > bits


def is_number(value: object) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def error_of(answer: httpx2.Response) -> str:
    """The code of an error whose texts are made of the characters of RFC 6749 5.2."""
    body = json_of(answer)
    assert ERROR.fullmatch(body["error"])
    # The set has neither tab nor line ends, which would be warnings.
    assert ERROR.fullmatch(body.get("error_description", "-"))
    assert ERROR.fullmatch(body.get("error_uri", "-"))
    return str(body["error"])


def hold_backchannel_error(answer: httpx2.Response, code: str, status: int = 400) -> None:
    """Hold status and code at the backchannel endpoint, and that nothing else is said."""
    assert (answer.status_code, error_of(answer)) == (status, code)
    assert answer.json().keys() <= {"error", "error_description", "error_uri"}


def hold_flexible_refusal(answer: httpx2.Response) -> None:
    """Hold one of three codes at the backchannel endpoint, each with its status."""
    code = error_of(answer)
    assert answer.status_code in FLEXIBLE[code]
    hold_backchannel_error(answer, code, answer.status_code)


def hold_token_error(answer: httpx2.Response, *codes: str) -> None:
    """Hold 400 and one of the codes at the token endpoint."""
    assert answer.status_code == 400
    assert error_of(answer) in codes


def hold_token_client_error(answer: httpx2.Response, *codes: str) -> None:
    """Hold one of the codes at the token endpoint; ``invalid_client`` may also have 401."""
    code = error_of(answer)
    assert code in codes
    assert answer.status_code in ((400, 401) if code == "invalid_client" else (400,))


@dataclass(frozen=True)
class Acknowledgement:
    """A successful answer of the backchannel endpoint."""

    auth_req_id: str
    expires_in: float
    interval: float

    @property
    def delay(self) -> float:
        """Seconds between polls."""
        return max(5, self.interval)


def acknowledgement(answer: httpx2.Response) -> Acknowledgement:
    """Hold a successful answer of the backchannel endpoint and return what it says."""
    assert answer.status_code == 200, answer.text
    body = json_of(answer)
    assert "error" not in body
    assert AUTH_REQ_ID.fullmatch(body["auth_req_id"])
    hold_secret(body["auth_req_id"], 160)
    assert is_number(body["expires_in"])
    assert 0 < body["expires_in"] <= YEAR
    interval = body.get("interval", 5)
    assert is_number(interval)
    assert 0 <= interval <= 6 * 3600
    return Acknowledgement(body["auth_req_id"], body["expires_in"], interval)


def hold_resource(answer: httpx2.Response, sent: Mapping[str, str]) -> None:
    """Hold what the resource answers to a good token; ``sent`` are the headers beside it."""
    assert answer.status_code in {200, 201}, answer.text
    media_type, _, charset = answer.headers["content-type"].partition(";")
    assert media_type == "application/json"
    assert charset.strip().lower() in {"", "charset=utf-8"}
    answered_at = parsedate_to_datetime(answer.headers["date"]).timestamp()
    assert abs(answered_at - WallClock().now()) < 300
    interaction = answer.headers["x-fapi-interaction-id"]
    assert str(UUID(interaction)) == interaction.lower()
    assert interaction.lower() == sent.get("x-fapi-interaction-id", interaction).lower()


def token_response(answer: httpx2.Response) -> dict[str, Any]:
    """Hold a successful answer of the token endpoint and return it."""
    assert answer.status_code == 200, answer.text
    body = json_of(answer)
    assert "no-store" in [part.strip() for part in answer.headers["cache-control"].split(",")]
    assert body["token_type"].lower() == "bearer"
    hold_secret(body["access_token"], 96)
    assert is_number(body["expires_in"])
    assert 1 <= body["expires_in"] <= YEAR
    if "refresh_token" in body:
        hold_secret(body["refresh_token"], 96)
    return body
