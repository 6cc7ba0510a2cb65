"""Ping and push."""

from typing import Final

from tests.wrong_provider.cases import Case, ping, push, warns
from tests.wrong_provider.faults import Fault

__all__ = ["NOTIFICATIONS"]

PINGS: Final = (
    Case(Fault.NO_PING, "ping-sent", "none arrived"),
    Case(Fault.PING_BY_GET, "ping-sent", "it was GET"),
    Case(Fault.PING_AS_FORM, "ping-json", "x-www-form-urlencoded"),
    Case(Fault.PING_WITHOUT_TOKEN, "ping-authorization", "there are 0"),
    Case(Fault.PING_WITH_WRONG_TOKEN, "ping-authorization", "it is another"),
    Case(Fault.PING_WITH_WRONG_ID, "ping-auth-req-id", "it is another"),
    Case(Fault.PING_WITH_MORE_MEMBERS, "ping-nothing-else", "there is state"),
    Case(Fault.PING_WITH_TOKENS, "ping-nothing-else", "there is access_token"),
    Case(Fault.NO_PING_ON_DENIAL, "ping-denied", "none arrived"),
    Case(Fault.PING_WITHOUT_APPROVAL, "ping-not-before-decision", "there is one"),
    Case(Fault.FIRST_POLL_MUST_WAIT, "ping-redeemable-at-once", "slow_down"),
    warns(Case(Fault.PING_RETRIED_AFTER_204, "ping-once", "it was sent again")),
    Case(Fault.PING_ANSWERED_WITH_BODY_ENDS_THE_REQUEST, "ping-answer-with-body", "invalid_grant"),
    Case(Fault.PING_RETRIED_AFTER_4XX, "ping-answer-401", "it was sent again"),
    Case(Fault.PING_REFUSED_ENDS_THE_REQUEST, "ping-answer-401", "invalid_grant"),
    Case(Fault.PING_REFUSED_ENDS_THE_REQUEST, "ping-answer-403", "invalid_grant"),
    Case(Fault.PING_FAILED_ENDS_THE_REQUEST, "ping-answer-500", "invalid_grant"),
    Case(Fault.PING_FOLLOWS_REDIRECT, "ping-redirect-not-followed", "there was one"),
)

PUSHES: Final = (
    Case(Fault.NO_PUSH, "push-sent", "none arrived"),
    Case(Fault.PUSH_BY_GET, "push-sent", "it was GET"),
    Case(Fault.PUSH_AS_FORM, "push-sent", "x-www-form-urlencoded"),
    Case(Fault.PUSH_WITHOUT_ID, "push-sent", "it is another or none"),
    Case(Fault.PUSH_WITHOUT_TOKEN, "push-authorization", "there are 0"),
    Case(Fault.PUSH_WITH_WRONG_TOKEN, "push-authorization", "it is another"),
    Case(Fault.PUSH_WITHOUT_ID_TOKEN, "token-response-shape", "id_token"),
    Case(Fault.NO_PUSH_ERROR, "push-denied", "none arrived"),
    Case(Fault.PUSH_ERROR_WITH_WRONG_CODE, "push-denied", "authorization_declined"),
    Case(Fault.PUSH_ERROR_WITHOUT_ID, "push-denied", "it is another or none"),
    Case(Fault.PUSH_ERROR_WITH_TOKENS, "push-denied-without-tokens", "access_token"),
    Case(Fault.PUSH_ERROR_WITH_QUOTES, "push-error-texts", "error_description"),
    Case(Fault.PUSH_WITHOUT_APPROVAL, "push-not-before-decision", "something was pushed"),
    Case(Fault.PUSHES_TOKENS_ON_EXPIRY, "push-expired", "it is None"),
    warns(Case(Fault.PUSH_RETRIED_AFTER_204, "push-once", "there was another")),
    warns(Case(Fault.PUSH_RETRIED_AFTER_200, "push-answer-with-body", "there was another")),
    Case(Fault.PUSH_FOLLOWS_REDIRECT, "push-redirect-not-followed", "there was one"),
)

NOTIFICATIONS: Final = (*map(ping, PINGS), *map(push, PUSHES))
