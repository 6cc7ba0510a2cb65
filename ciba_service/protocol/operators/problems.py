"""Refusals of the operators' door, as RFC 9457 has them: constant texts, nothing of the request."""

from enum import Enum
from http import HTTPStatus

__all__ = ["OperatorRefused", "Problem"]


class Problem(Enum):
    """Everything that can be wrong; ``code`` names it for programs."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        self.detail = detail

    @property
    def code(self) -> str:
        """Its name on the wire."""
        return self.name.lower()

    MALFORMED_REQUEST = (HTTPStatus.BAD_REQUEST, "A header of the request is malformed.")
    INVALID_QUERY = (HTTPStatus.BAD_REQUEST, "The query is not one that this resource takes.")
    INVALID_CURSOR = (HTTPStatus.BAD_REQUEST, "The cursor is none that this resource gave.")
    INVALID_BODY = (HTTPStatus.BAD_REQUEST, "The body is not the JSON object described.")
    UNAUTHENTICATED = (
        HTTPStatus.UNAUTHORIZED,
        "A valid token or session of an operator is needed.",
    )
    FORBIDDEN = (HTTPStatus.FORBIDDEN, "The operator does not have the role that this needs.")
    CROSS_SITE = (HTTPStatus.FORBIDDEN, "The request comes from a page of another origin.")
    CSRF = (HTTPStatus.FORBIDDEN, "The X-CSRF-Token header is not that of the session.")
    NOT_FOUND = (HTTPStatus.NOT_FOUND, "There is no such resource.")
    METHOD_NOT_ALLOWED = (HTTPStatus.METHOD_NOT_ALLOWED, "The resource does not have this method.")
    TOO_SLOW = (HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly.")
    HAS_PHONE = (HTTPStatus.CONFLICT, "The user has a phone.")
    SETTLED = (HTTPStatus.CONFLICT, "The transaction is over, and not since it was cancelled.")
    NOT_APPROVED = (HTTPStatus.CONFLICT, "There is no approval of the transaction that counts.")
    NOT_ABANDONED = (HTTPStatus.CONFLICT, "The callback was not abandoned.")
    REDEEMED = (HTTPStatus.CONFLICT, "The client has its tokens: there is nothing more to tell it.")
    NOTHING_KEPT = (HTTPStatus.CONFLICT, "The transaction was cancelled: nothing is to be told.")
    CONFIGURED = (HTTPStatus.CONFLICT, "The client stands in the configuration.")
    TOO_LARGE = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
    UNSUPPORTED = (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is not plain application/json.")
    MISDIRECTED = (HTTPStatus.MISDIRECTED_REQUEST, "The Host header is not one of this listener.")
    TOO_MANY_ATTEMPTS = (
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many wrong tokens came from this address.",
    )
    DEFECT = (HTTPStatus.INTERNAL_SERVER_ERROR, "The service has failed.")
    UNAVAILABLE = (HTTPStatus.SERVICE_UNAVAILABLE, "The service cannot answer at the moment.")
    UNREADABLE = (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The record was written by another version of the service.",
    )


class OperatorRefused(Exception):
    """What was asked for is refused."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem
