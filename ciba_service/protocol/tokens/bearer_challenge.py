"""The ``WWW-Authenticate`` header with which a resource asks for a bearer token (RFC 6750 3)."""

from ciba_service.protocol.errors import OAuth2Error

__all__ = ["bearer_challenge"]


def bearer_challenge(error: OAuth2Error | None = None, *, scope: str | None = None) -> str:
    """The challenge; without ``error`` when nothing was presented (RFC 6750 3.1)."""
    parameters = []
    if error is not None:
        # Codes and descriptions are constants without quotes and backslashes.
        parameters = [("error", str(error.error)), ("error_description", str(error.description))]
    if scope is not None:
        parameters.append(("scope", scope))
    told = ", ".join(f'{name}="{value}"' for name, value in parameters)
    return f"Bearer {told}" if told else "Bearer"
