"""The ``WWW-Authenticate`` header with which a resource asks for a bearer token (RFC 6750 3)."""

from ciba_service.protocol.errors import (
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    OAuth2Error,
)

__all__ = ["bearer_challenge", "error_parameters"]


def bearer_challenge(error: OAuth2Error | None = None) -> str:
    """The challenge; without ``error`` when nothing was presented (RFC 6750 3.1)."""
    told = ", ".join(f'{name}="{value}"' for name, value in error_parameters(error))
    return f"Bearer {told}" if told else "Bearer"


def error_parameters(error: OAuth2Error | None) -> tuple[tuple[str, str], ...]:
    """What a challenge of any scheme says of an error, and of what would be enough.

    Codes, descriptions and what is demanded are constants without quotes and backslashes.
    """
    if error is None:
        return ()
    told = (("error", str(error.error)), ("error_description", str(error.description)))
    return (*told, *_demanded(error))


def _demanded(error: OAuth2Error) -> tuple[tuple[str, str], ...]:
    if isinstance(error, InsufficientScopeError):
        return (("scope", error.scope),) if error.scope else ()
    if isinstance(error, InsufficientUserAuthenticationError):
        acr = (("acr_values", " ".join(error.acr_values)),) if error.acr_values else ()
        age = (("max_age", str(error.max_age)),) if error.max_age is not None else ()
        return (*acr, *age)
    return ()
