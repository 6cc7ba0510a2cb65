"""What a status of HTTP is called (RFC 9110 15)."""

from http import HTTPStatus

__all__ = ["status_phrase"]


def status_phrase(status: int) -> str:
    """Its name; empty for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
