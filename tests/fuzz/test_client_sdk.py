"""What providers answer, push and publish, as the SDK reads it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey
from starlette.requests import Request

from ciba_client.pushed import shown_push
from ciba_client.sdk.errors import (
    CibaClientError,
    ConfigurationError,
    InvalidIdToken,
    InvalidProviderResponse,
    InvalidScaReceipt,
    TransactionEnded,
)
from ciba_client.sdk.jose.key_set import parse_key_set
from ciba_client.sdk.jose.sca_receipt import ReceiptExpectations, verify_sca_receipt
from ciba_client.sdk.jose.signing_key import parse_signing_key
from ciba_client.sdk.notifications.message import NotificationRefused, read_notification
from ciba_client.sdk.provider.addresses import parse_endpoint, parse_issuer, parse_resource
from ciba_client.sdk.provider.answers import (
    AuthReqId,
    ProviderAnswer,
    TokenType,
    parse_acknowledgement,
    parse_cancellation,
    parse_poll_answer,
    parse_push,
    parse_receipt,
)
from ciba_client.sdk.provider.connection import _retry_after
from ciba_client.sdk.provider.event_stream import ServerSentEvent, parse_event_stream
from ciba_client.sdk.provider.metadata import parse_provider_metadata
from ciba_client.sdk.transaction.ledger import _entry
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, any_text, compact, damaged, documents, outcome
from tests.unit.ciba_client.jose.test_id_token import CLAIMS, signed, verified
from tests.wire.signing import new_key, public_jwk

ISSUER = "https://bank.example"
ACKNOWLEDGED = {"auth_req_id": "r", "expires_in": 120, "interval": 5, "verification_code": "123456"}
TOKENS: dict[str, Any] = {
    "access_token": "a",
    "token_type": "Bearer",
    "id_token": "a.b.c",
    "expires_in": 300,
    "authorization_details": [{"type": "x"}],
}
REFUSED = {"error": "slow_down", "error_description": "later"}
PUSHED = TOKENS | {"auth_req_id": "r"}
METADATA = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "backchannel_authentication_endpoint": f"{ISSUER}/bc-authorize",
    "jwks_uri": f"{ISSUER}/jwks",
    "mtls_endpoint_aliases": {"token_endpoint": f"{ISSUER}:8443/token"},
    "id_token_signing_alg_values_supported": ["ES256"],
}
ENTRY = {"id": 1, "event": "requested", "at": "2026-01-01T00:00:00Z", "attempt": 1, "status": 204}
KEY_SET = {"keys": [public_jwk(new_key(alg)) for alg in ("ES256", "PS256", "EdDSA")]}
RECEIPT = {"iss": ISSUER, "aud": "shop", "sub": "a", "txn": "t", "iat": 1, "acr": "x"}
STATUS = st.one_of(st.sampled_from([200, 204, 400, 401, 403, 404, 409, 500]), st.integers(100, 999))


@fuzzed
@given(STATUS, st.one_of(*map(documents, (ACKNOWLEDGED, TOKENS, REFUSED, {"sca_receipt": "a"}))))
@example(400, compact({"error": "a" * 100_000, "error_description": "\u202e" * 1_000}))
@example(200, compact(ACKNOWLEDGED | {"interval": 1e400}))
@example(200, compact(ACKNOWLEDGED | {"expires_in": 10**40}))
def test_an_answer_is_understood_or_refused(status: int, body: bytes) -> None:
    """Whatever a provider answers, the program that asks is told in the errors of the SDK."""
    answer = ProviderAnswer(status, body)
    acknowledged = outcome(parse_acknowledgement, CibaClientError)(answer)
    if acknowledged is not None:
        assert 0 < acknowledged.expires_in <= 10**9
        assert 0 <= acknowledged.interval <= 10**9
    outcome(parse_poll_answer, CibaClientError)(answer, token_type=TokenType.BEARER)
    outcome(parse_cancellation, CibaClientError)(answer)
    outcome(parse_receipt, CibaClientError)(answer)


@fuzzed
@given(documents(PUSHED))
def test_a_push_is_understood_or_refused(body: bytes) -> None:
    """Also as the command line shows it."""
    read = outcome(parse_push, InvalidProviderResponse)
    pushed = read(body, auth_req_id=AuthReqId("r"), token_type=TokenType.BEARER)
    assert pushed is None or isinstance(pushed, TransactionEnded) or pushed.access_token is not None
    shown_push(body, show_tokens=True)


@fuzzed
@given(documents(PUSHED), st.lists(st.one_of(RAW, st.just(b"Bearer token")), max_size=2))
@example(b"[" * 100_000, [b"Bearer token"])
def test_a_notification_is_read_or_refused(body: bytes, authorization: list[bytes]) -> None:
    """The receiver's own endpoint is open to anybody."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"authorization", each) for each in authorization]
    headers.append((b"content-type", b"application/json"))
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    read = outcome(asyncio.run, NotificationRefused)
    notification = read(read_notification(request, timeout_seconds=60))
    assert notification is None or len(notification.auth_req_id) >= 1


@fuzzed
@given(documents(METADATA), st.booleans())
@example(compact(METADATA | {"token_endpoint": "https://" + "a" * 70_000}), False)  # noqa: FBT003
@example(compact(METADATA | {"token_endpoint": "https://xn--\u0661/"}), False)  # noqa: FBT003
@example(compact(METADATA | {"jwks_uri": "https://[::1"}), True)  # noqa: FBT003
def test_metadata_of_a_provider_are_usable_or_refused(body: bytes, mutual_tls: bool) -> None:  # noqa: FBT001
    """Endpoints are protected addresses, or the document is refused."""
    read = outcome(parse_provider_metadata, CibaClientError)
    metadata = read(body, issuer=ISSUER, mutual_tls=mutual_tls)
    assert metadata is None or metadata.token_endpoint.lower().startswith("https:")


@fuzzed
@given(
    st.one_of(
        any_text,
        damaged(b"https://a@b.example:99999/c?d#e").map(lambda data: data.decode("latin-1")),
    )
)
@example("http://[::1%25lo]/")
@example("https://" + "a." * 5_000)
@example("https://\u2488.example/")
@example("https://xn--a/")
@example("\ud800")
def test_addresses_are_protected_or_refused(text: str) -> None:
    """Neither the operator of a client nor a provider can name what is no address."""
    outcome(parse_issuer, ConfigurationError)(text)
    outcome(parse_resource, ConfigurationError)(text)
    outcome(parse_endpoint, CibaClientError)("token_endpoint", text, issuer=ISSUER)


@fuzzed
@given(st.one_of(documents(KEY_SET), documents({"keys": [{"kty": "EC"}]})))
@example(compact({"keys": [{"kty": "RSA", "n": "A" * 50_000, "e": "AQAB"}]}))
@example(compact({"keys": [KEY_SET["keys"][0] | {"use": []}]}))
@example(compact({"keys": [{"kty": ["EC"], "kid": [1], "alg": ["ES256"]}]}))
def test_keys_of_a_provider_are_read_as_far_as_they_are_keys(body: bytes) -> None:
    """What is broken is passed over; what is no set is refused."""
    keys = outcome(parse_key_set, InvalidProviderResponse)(body)
    if keys is not None:
        outcome(verified, InvalidIdToken)(signed(), keys=keys.keys)


@fuzzed
@given(documents(CLAIMS | {"acr": "x", "at_hash": "y", "auth_time": 1}))
@example(compact(CLAIMS | {"exp": 10**400}))
@example(compact(CLAIMS | {"exp": -1e308, "iat": 1e308}))
def test_an_id_token_of_any_content_is_verified_or_refused(payload: bytes) -> None:
    """A signature does not make claims that are no claims count."""
    outcome(verified, InvalidIdToken)(signed(payload))


@fuzzed
@given(st.one_of(any_text, damaged(signed().encode()).map(lambda data: data.decode("latin-1"))))
@example("\ud800.a.b")
@example("." * 100_000)
def test_a_changed_id_token_is_refused(token: str) -> None:
    """As is what is none."""
    found = outcome(verified, InvalidIdToken)(token)
    assert found is None or token == signed() or found.sub == "alice"


RECEIPT_KEY = ECKey.generate_key("P-256", {"kid": "receipt-1"})
RECEIPT_HEADER = {"alg": "ES256", "kid": "receipt-1", "typ": "ciba-sca-receipt+jwt"}


@fuzzed
@given(documents(RECEIPT))
def test_a_receipt_of_any_content_is_verified_or_refused(payload: bytes) -> None:
    """It is verified for its client, issuer and transaction, or refused."""
    jwt = signed(payload, key=RECEIPT_KEY, **RECEIPT_HEADER)
    keys = parse_key_set(compact({"keys": [RECEIPT_KEY.as_dict(private=False)]}))
    expected = ReceiptExpectations(issuer=ISSUER, client_id="shop", auth_req_id="r")
    outcome(verify_sca_receipt, InvalidScaReceipt)(jwt, keys=keys, expected=expected)


@fuzzed
@given(st.lists(st.one_of(RAW, st.just(b"event: a\ndata: b\n\n")), max_size=6))
@example([b"data:" + b"x" * 100_000])
@example([b"\n" * 100_000])
def test_a_stream_of_events_is_bounded(chunks: list[bytes]) -> None:
    """An event is never longer than what may be kept of one."""

    async def sent() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def read() -> list[ServerSentEvent]:
        return [event async for event in parse_event_stream(sent())]

    events = outcome(asyncio.run, InvalidProviderResponse)(read())
    assert events is None or len(events) <= sum(map(len, chunks))


@fuzzed
@given(documents(ENTRY))
@example(compact(ENTRY | {"at": "0001-01-01T00:00:00+23:59"}))
@example(compact(ENTRY | {"at": "9999-12-31T23:59:59-23:59"}))
@example(compact(ENTRY | {"at": "2026-01-01T00:00:00"}))
def test_an_entry_of_a_ledger_is_understood_or_refused(data: bytes) -> None:
    """Dates without end and numbers without sense are no entries."""
    entry = outcome(_entry, InvalidProviderResponse)(ServerSentEvent("x", data.decode("latin-1")))
    assert entry is None or entry.number >= 1


@fuzzed
@given(
    st.one_of(
        any_text, damaged(b"Wed, 21 Oct 2026 07:28:00 GMT").map(lambda data: data.decode("latin-1"))
    )
)
@example("9" * 100_000)
@example("Wed, 21 Oct 99999999999 07:28:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("()")
@example("Wed, 21 Oct 2026 07:28:00 +99999999999999999999")
def test_a_pause_that_a_provider_asks_for_is_a_number_or_none(value: str) -> None:
    """No date breaks the loop that polls, and no number makes it wait for ever."""
    pause = _retry_after(value, 1_000_000.0)
    assert pause is None or 0 <= pause < float("inf")


@fuzzed
@given(documents(new_key().as_dict(private=True)))
@example(b"{" + b'"a":{' * 50_000)
@example(compact(new_key().as_dict(private=True) | {"alg": ["ES256"]}))
@example(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
def test_a_key_file_is_usable_or_refused(content: bytes) -> None:
    """Whatever file an integrator names."""
    key = outcome(parse_signing_key, ConfigurationError)(content)
    assert key is None or key.sign({}, typ="JWT")
