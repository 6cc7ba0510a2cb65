"""What a provider may do one way or another: the other way, for one that does so ``differently``.

Beside what stands here it wants nonces, answers before it notifies, and has longer identifiers.
"""

from collections.abc import Mapping
from typing import Any

from starlette.responses import PlainTextResponse, Response

from tests.wrong_provider.errors import Refusal

__all__ = ["acknowledgement", "id_token_claims", "refusal", "response", "token_response"]

OWN_WORDS = {405: "There is nothing to get here.", 413: "That is too much."}


def acknowledgement(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without the interval, which is five seconds then (CIBA 7.3)."""
    return {name: members[name] for name in members if name != "interval"}


def token_response(members: Mapping[str, Any]) -> dict[str, Any]:
    """Without refresh token and scope; the type in another case (RFC 6749 5.1)."""
    kept = {name: members[name] for name in members if name not in {"refresh_token", "scope"}}
    return {**kept, "token_type": kept["token_type"].lower()}


def id_token_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Without what poll and ping need not have, and with a list of audiences."""
    kept = {name: claims[name] for name in claims if name not in {"at_hash", "auth_time"}}
    return {**kept, "aud": [claims["aud"]], "azp": claims["aud"], "jti": "whatever"}


def refusal(refused: Refusal) -> Response | None:
    """What HTTP refuses is told in the server's own words."""
    words = OWN_WORDS.get(refused.status)
    if words is None:
        return None
    return PlainTextResponse(words, refused.status)


def response(answer: Response) -> Response:
    """Headers that say the same with more words."""
    if answer.headers.get("content-type") == "application/json":
        answer.headers["content-type"] = "application/json;charset=UTF-8"
    if "cache-control" in answer.headers:
        answer.headers["cache-control"] = "no-cache, no-store, max-age=0"
        answer.headers["pragma"] = "no-cache"
    return answer
