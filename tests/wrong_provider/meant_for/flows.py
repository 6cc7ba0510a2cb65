"""Polling, decisions, tokens, ID tokens, and errors of the token endpoint."""

from typing import Final

from tests.wrong_provider.cases import Case, core, push, warns
from tests.wrong_provider.faults import Fault

__all__ = ["FLOWS"]

POLLING: Final = (
    Case(Fault.PENDING_AS_200, "poll-pending", "400 authorization_pending"),
    Case(Fault.PENDING_WITH_STATUS_403, "poll-pending", "status 403 authorization_pending"),
    Case(Fault.SLOW_DOWN_AT_THE_INTERVAL, "poll-on-time", "slow_down"),
    Case(Fault.SLOW_DOWN_WITH_STATUS_429, "poll-too-fast", "status 429 slow_down"),
    Case(Fault.FAST_POLLING_ENDS_THE_REQUEST, "poll-too-fast", "invalid_grant"),
    warns(Case(Fault.NO_SLOW_DOWN, "poll-slow-down", "['authorization_pending']")),
    Case(Fault.SLOW_DOWN_FOR_EVER, "poll-slow-down-forgiven", "slow_down"),
    warns(Case(Fault.HOLDS_POLLS_TOO_LONG, "poll-answered-in-time", "it took 40")),
    warns(Case(Fault.ERRORS_MAY_BE_STORED, "poll-no-store", "it is absent")),
)

DECISIONS: Final = (
    Case(Fault.TOKENS_BEFORE_DECISION, "no-token-before-decision", "accepted"),
    Case(Fault.DENIED_AS_PENDING, "denied", "still pending"),
    Case(Fault.DENIED_WITH_STATUS_403, "denied", "status 403 access_denied"),
    Case(Fault.DENIED_AS_INVALID_GRANT, "denied", "invalid_grant"),
    Case(Fault.DENIED_AND_YET_REDEEMABLE, "denied", "accepted"),
    Case(Fault.EXPIRED_AS_INVALID_GRANT, "expired", "invalid_grant"),
    Case(Fault.EXPIRED_AS_PENDING, "expired", "authorization_pending"),
    Case(Fault.REDEEMABLE_TWICE, "redeemed-once", "accepted"),
    Case(Fault.REDEEMED_AS_EXPIRED, "redeemed-once", "expired_token"),
    Case(Fault.REDEEMABLE_TWICE, "redeemed-once-at-once", "answered 5 times"),
    Case(Fault.UNKNOWN_AUTH_REQ_ID_AS_500, "auth-req-id-unknown", "status 500"),
    Case(Fault.UNKNOWN_AUTH_REQ_ID_AS_PENDING, "auth-req-id-unknown", "authorization_pending"),
    Case(Fault.UNKNOWN_AUTH_REQ_ID_WITH_WRONG_CODE, "auth-req-id-unknown", "expired_token"),
    Case(
        Fault.ANOTHER_CLIENTS_REQUEST_WITH_WRONG_CODE,
        "auth-req-id-of-another-client",
        "unauthorized_client",
    ),
    Case(
        Fault.ANOTHER_CLIENT_ENDS_THE_REQUEST,
        "auth-req-id-of-another-client",
        "authorization_pending or slow_down, but the answer was status 400 invalid_grant",
    ),
    Case(Fault.REDEEMABLE_BY_ANOTHER_CLIENT, "auth-req-id-of-another-client-approved", "accepted"),
    Case(
        Fault.REDEEMABLE_BY_ANOTHER_CLIENT,
        "auth-req-id-of-another-client-denied",
        "access_denied",
    ),
)

TOKEN_REQUESTS: Final = (
    Case(Fault.MISSING_AUTH_REQ_ID_AS_500, "token-auth-req-id-missing", "status 500"),
    Case(Fault.MISSING_GRANT_AS_500, "token-grant-type-missing", "status 500"),
    Case(Fault.UNKNOWN_GRANT_WITH_WRONG_CODE, "token-grant-type-unknown", "invalid_grant"),
    Case(Fault.OFFERS_PASSWORD_GRANT, "token-grant-type-password", "invalid_grant"),
    Case(Fault.ACCEPTS_REPEATED_PARAMETERS, "token-repeated-parameter", "authorization_pending"),
    Case(Fault.ACCEPTS_GET, "token-get", "authorization_pending"),
    Case(Fault.ACCEPTS_JSON, "token-json-body", "as if it had been read"),
    push(Case(Fault.PUSH_CLIENT_MAY_POLL, "token-push-client", "authorization_pending")),
)

RESPONSES: Final = (
    Case(Fault.TOKENS_AS_TEXT, "token-response-shape", "text/plain"),
    Case(Fault.TOKENS_WITHOUT_ACCESS_TOKEN, "token-response-shape", "access_token"),
    Case(Fault.TOKENS_WITHOUT_TOKEN_TYPE, "token-response-shape", "token_type"),
    Case(Fault.TOKENS_WITHOUT_ID_TOKEN, "token-response-shape", "id_token"),
    Case(Fault.TOKENS_MAY_BE_STORED, "token-response-no-store", "it is absent"),
    Case(Fault.TOKENS_WITH_WRONG_TOKEN_TYPE, "token-type", "it is mac"),
    Case(Fault.ACCESS_TOKEN_GUESSABLE, "token-entropy", "access_token"),
    Case(Fault.TOKENS_WITH_EXPIRES_IN_AS_STRING, "token-expires-in", "it is '300'"),
    Case(Fault.SAME_ACCESS_TOKEN_AGAIN, "token-fresh", "it is the same"),
    warns(core(Case(Fault.TOKENS_LIVE_FOR_A_DAY, "token-short-lived", "86400 s"))),
)

ID_TOKENS: Final = (
    Case(Fault.ID_TOKEN_WITH_BAD_SIGNATURE, "id-token-signature", "by a published key"),
    Case(Fault.ID_TOKEN_WITH_UNKNOWN_KID, "id-token-signature", "by a published key"),
    Case(Fault.ID_TOKEN_WITHOUT_KID, "id-token-signature", "a kid in the header"),
    Case(Fault.ID_TOKEN_UNSIGNED, "id-token-algorithm", "its alg is none"),
    Case(Fault.ID_TOKEN_SIGNED_WITH_RS256, "id-token-algorithm", "it is RS256"),
    Case(Fault.ID_TOKEN_WITH_WRONG_ISS, "id-token-issuer", "another.example"),
    Case(Fault.ID_TOKEN_WITH_WRONG_AUD, "id-token-audience", "somebody-else"),
    Case(Fault.ID_TOKEN_EXPIRED, "id-token-times", "exp in the future"),
    Case(Fault.ID_TOKEN_WITHOUT_EXP, "id-token-times", "exp, a number"),
    Case(Fault.ID_TOKEN_WITHOUT_IAT, "id-token-times", "iat, a number"),
    Case(Fault.ID_TOKEN_ISSUED_LONG_AGO, "id-token-times", "iat within five minutes"),
    Case(Fault.ID_TOKEN_WITHOUT_SUB, "id-token-subject", "it is None"),
    Case(Fault.ID_TOKEN_WITH_LONG_SUB, "id-token-subject", "it has 256"),
    Case(Fault.ID_TOKEN_WITH_WRONG_AT_HASH, "id-token-at-hash", "at_hash"),
    Case(Fault.ID_TOKEN_WITH_WRONG_BINDINGS, "id-token-bindings", "it is another"),
    warns(Case(Fault.ID_TOKEN_WITH_NONCE, "id-token-foreign-hashes", "there is nonce")),
    warns(Case(Fault.ID_TOKEN_WITH_KEY_IN_HEADER, "id-token-header-keys", "there is jwk")),
    Case(Fault.ID_TOKEN_WITH_AUTH_TIME_AS_STRING, "id-token-auth-time", "auth_time"),
    Case(Fault.ID_TOKEN_WITHOUT_ACR, "id-token-acr", "it is None"),
    warns(Case(Fault.ID_TOKEN_WITH_OTHER_ACR, "id-token-acr", "urn:example:other")),
    push(Case(Fault.PUSH_WITHOUT_AT_HASH, "push-id-token-at-hash", "there is none")),
    push(Case(Fault.PUSH_WITH_WRONG_AT_HASH, "push-id-token-at-hash", "at_hash")),
    push(Case(Fault.PUSH_WITHOUT_ID_CLAIM, "push-id-token-auth-req-id", "there is none")),
    push(Case(Fault.PUSH_WITH_WRONG_ID_CLAIM, "push-id-token-auth-req-id", "it is another")),
    push(Case(Fault.PUSH_WITHOUT_RT_HASH, "push-id-token-rt-hash", "there is none")),
    push(Case(Fault.PUSH_WITH_WRONG_RT_HASH, "push-id-token-rt-hash", "it is another")),
)

FLOWS: Final = (*POLLING, *DECISIONS, *TOKEN_REQUESTS, *RESPONSES, *ID_TOKENS)
