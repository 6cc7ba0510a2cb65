"""Exchanges as they might have been seen."""

import json
from urllib.parse import urlencode

from ciba_client import Exchange, LedgerEntry

FORM = (("content-type", "application/x-www-form-urlencoded"),)
JSON = (("content-type", "application/json"),)
OP = "https://op.example"


def asked(
    path: str,
    form: dict[str, str] | None = None,
    *,
    status: int | None = 200,
    answer: object = None,
    at: float = 0.0,
    headers: tuple[tuple[str, str], ...] = (),
) -> Exchange:
    """A request of the client; GET without a form."""
    return Exchange(
        method="GET" if form is None else "POST",
        url=OP + path,
        request_headers=(*headers, *(() if form is None else FORM)),
        request_body=urlencode(form or {}).encode(),
        sent_at=at,
        seconds=0.25,
        status=status,
        response_headers=JSON,
        response_body=json.dumps(answer if answer is not None else {}).encode(),
        failure=None if status else "the provider cannot be reached",
    )


def poll(error: str, at: float) -> Exchange:
    """A poll that brought nothing."""
    form = {"grant_type": "urn:openid:params:grant-type:ciba", "auth_req_id": "1"}
    return asked("/token", form, status=400, answer={"error": error}, at=at)


def entry(number: int, event: str, **facts: object) -> LedgerEntry:
    """An entry of the ledger, a second for each number."""
    known = {"attempt": None, "status": None, "again_at": None, "reason": None}
    text = json.dumps({"id": number, "event": event})
    return LedgerEntry(
        number=number, event=event, at=float(number), text=text, **{**known, **facts}
    )
