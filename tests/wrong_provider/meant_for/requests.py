"""Authentication requests: how they arrive, signed objects, parameters, and the answer."""

from typing import Final

from tests.wrong_provider.cases import Case, accepted, coded, fapi1, ping, push, rsa, warns
from tests.wrong_provider.faults import Fault

__all__ = ["REQUESTS"]

ARRIVAL: Final = (
    Case(Fault.ACCEPTS_GET, "backchannel-get", "status 200"),
    Case(Fault.ACCEPTS_JSON, "backchannel-json-body", "status 200"),
    accepted(Fault.ACCEPTS_REPEATED_PARAMETERS, "backchannel-repeated-parameter"),
    Case(Fault.ANSWERS_500_TO_EMPTY_BODIES, "backchannel-empty-body", "status 500"),
    Case(Fault.ANSWERS_500_TO_LARGE_BODIES, "backchannel-large-body", "status 500"),
    Case(Fault.ERRORS_WITH_MORE_MEMBERS, "backchannel-error-shape", "timestamp"),
    Case(
        Fault.ERRORS_WITH_QUOTES_IN_DESCRIPTION,
        "backchannel-error-shape",
        "error_description in the characters",
    ),
    Case(Fault.ERRORS_AS_HTML, "backchannel-error-shape", "it is text/html"),
    Case(Fault.ERRORS_WITHOUT_CODE, "backchannel-error-shape", "the answer was status 400"),
)

SIGNED: Final = (
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_AUD, "request-missing-aud"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_FOREIGN_AUD, "request-bad-aud"),
    Case(Fault.REFUSES_REQUEST_WITH_LIST_OF_AUDIENCES, "request-aud-list", "invalid_request"),
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_ISS, "request-missing-iss"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_OTHER_ISS, "request-bad-iss"),
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_EXP, "request-missing-exp"),
    accepted(Fault.ACCEPTS_EXPIRED_REQUEST, "request-expired"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_FAR_EXP, "request-exp-70-minutes"),
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_IAT, "request-missing-iat"),
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_NBF, "request-missing-nbf"),
    accepted(Fault.ACCEPTS_REQUEST_BEFORE_NBF, "request-nbf-future"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_OLD_NBF, "request-nbf-70-minutes-past"),
    accepted(Fault.ACCEPTS_REQUEST_WITHOUT_JTI, "request-missing-jti"),
    warns(accepted(Fault.ACCEPTS_REPLAYED_REQUEST, "request-replayed")),
    accepted(Fault.ACCEPTS_REQUEST_WITH_ALG_NONE, "request-alg-none"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_BAD_SIGNATURE, "request-bad-signature"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_MAC, "request-mac"),
    rsa(accepted(Fault.ACCEPTS_REQUEST_WITH_RS256, "request-rs256")),
    accepted(Fault.ACCEPTS_REQUEST_WITH_BAD_SIGNATURE, "request-unregistered-key"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_ANOTHER_CLIENTS_KEY, "request-other-client-key"),
    accepted(Fault.ACCEPTS_REQUEST_WITH_UNKNOWN_CRITICAL_HEADER, "request-unknown-critical-header"),
    Case(Fault.ANSWERS_500_TO_MALFORMED_REQUESTS, "request-not-a-jwt", "status 500"),
    accepted(Fault.ACCEPTS_PARAMETERS_OUTSIDE_THE_REQUEST, "request-parameters-outside"),
    accepted(Fault.ACCEPTS_PARAMETERS_THAT_ARE_NO_STRINGS, "request-parameter-not-a-string"),
    accepted(Fault.ACCEPTS_UNSIGNED_REQUEST, "request-unsigned"),
    fapi1(Case(Fault.REFUSES_REQUEST_WITH_TYP, "request-typ-any-case", "invalid_request")),
)

HINTS: Final = (
    accepted(Fault.ACCEPTS_NO_HINT, "hint-missing"),
    accepted(Fault.ACCEPTS_TWO_HINTS, "hint-two"),
    Case(Fault.UNKNOWN_USER_AS_500, "hint-unknown-user", "status 500"),
    Case(Fault.UNKNOWN_USER_WITH_WRONG_CODE, "hint-unknown-user", "access_denied"),
    accepted(Fault.UNKNOWN_USER_ACCEPTED, "hint-unknown-user"),
    accepted(Fault.ACCEPTS_MALFORMED_HINT_TOKENS, "hint-login-hint-token-not-a-jwt"),
    accepted(Fault.ACCEPTS_MALFORMED_HINT_TOKENS, "hint-id-token-forged"),
)

PARAMETERS: Final = (
    accepted(Fault.ACCEPTS_MISSING_SCOPE, "scope-missing"),
    accepted(Fault.ACCEPTS_SCOPE_WITHOUT_OPENID, "scope-without-openid"),
    Case(Fault.REFUSES_SCOPE_IN_OTHER_ORDER, "scope-order", "invalid_scope"),
    Case(Fault.REFUSES_BINDING_MESSAGE, "binding-message-accepted", "invalid_binding_message"),
    warns(Case(Fault.ACCEPTS_LONG_BINDING_MESSAGE, "binding-message-strange", "it was accepted")),
    Case(Fault.LONG_BINDING_MESSAGE_AS_500, "binding-message-strange", "status 500"),
    Case(Fault.LONG_BINDING_MESSAGE_WITH_WRONG_CODE, "binding-message-strange", "invalid_request"),
    Case(Fault.REFUSES_EXPIRY_AS_STRING, "requested-expiry-string", "invalid_request"),
    Case(Fault.REFUSES_EXPIRY_AS_NUMBER, "requested-expiry-number", "invalid_request"),
    accepted(Fault.ACCEPTS_ZERO_EXPIRY, "requested-expiry-zero"),
    accepted(Fault.ACCEPTS_NEGATIVE_EXPIRY, "requested-expiry-negative"),
    accepted(Fault.ACCEPTS_EXPIRY_THAT_IS_NO_NUMBER, "requested-expiry-not-a-number"),
    Case(Fault.REFUSES_UNKNOWN_PARAMETERS, "unknown-parameter-ignored", "invalid_request"),
    ping(accepted(Fault.ACCEPTS_MISSING_NOTIFICATION_TOKEN, "notification-token-missing")),
    ping(Case(Fault.REFUSES_LONG_NOTIFICATION_TOKEN, "notification-token-longest", "status 400")),
    ping(accepted(Fault.ACCEPTS_LONG_NOTIFICATION_TOKEN, "notification-token-too-long")),
    ping(
        accepted(
            Fault.ACCEPTS_NOTIFICATION_TOKEN_WITH_STRANGE_CHARACTERS,
            "notification-token-characters",
        )
    ),
    coded(accepted(Fault.ACCEPTS_MISSING_USER_CODE, "user-code-missing")),
    coded(Case(Fault.MISSING_USER_CODE_AS_INVALID, "user-code-missing", "invalid_user_code")),
    coded(accepted(Fault.ACCEPTS_WRONG_USER_CODE, "user-code-wrong")),
)

ACKNOWLEDGEMENTS: Final = (
    Case(Fault.ACKNOWLEDGES_WITH_201, "acknowledgement-shape", "status 201"),
    Case(Fault.ACKNOWLEDGES_AS_TEXT, "acknowledgement-shape", "text/plain"),
    Case(Fault.ACKNOWLEDGES_WITHOUT_ID, "acknowledgement-shape", "auth_req_id, a string"),
    Case(Fault.SHORT_AUTH_REQ_ID, "acknowledgement-entropy", "auth_req_id"),
    Case(Fault.GUESSABLE_AUTH_REQ_ID, "acknowledgement-unique", "are different"),
    Case(Fault.SAME_AUTH_REQ_ID_AGAIN, "acknowledgement-unique", "it is the same"),
    Case(Fault.AUTH_REQ_ID_WITH_STRANGE_CHARACTERS, "acknowledgement-characters", "it has"),
    Case(Fault.EXPIRES_IN_ZERO, "acknowledgement-expires-in", "it is 0"),
    Case(Fault.EXPIRES_IN_AS_STRING, "acknowledgement-expires-in", "it is '180'"),
    Case(Fault.EXPIRES_IN_MISSING, "acknowledgement-shape", "it is None"),
    Case(Fault.INTERVAL_NEGATIVE, "acknowledgement-interval", "it is -5"),
    Case(Fault.INTERVAL_AS_STRING, "acknowledgement-interval", "it is '5'"),
    push(Case(Fault.INTERVAL_FOR_PUSH, "acknowledgement-push-without-interval", "there is one")),
    warns(Case(Fault.ACKNOWLEDGEMENT_MAY_BE_STORED, "acknowledgement-no-store", "it is absent")),
)

REQUESTS: Final = (*ARRIVAL, *SIGNED, *HINTS, *PARAMETERS, *ACKNOWLEDGEMENTS)
