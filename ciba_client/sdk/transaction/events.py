"""What happens while a transaction is pending, for progress displays and logs."""

from dataclasses import dataclass

from ciba_client.sdk.transaction.token_set import TokenSet

__all__ = ["Pinged", "PollEvent", "ProviderBusy", "SlowedDown", "StillUndecided", "TokensReceived"]


@dataclass(frozen=True, slots=True)
class StillUndecided:
    """``authorization_pending``; the next poll follows in ``next_poll_in`` seconds."""

    next_poll_in: float


@dataclass(frozen=True, slots=True)
class SlowedDown:
    """``slow_down``: the interval is ``interval`` seconds from now on."""

    interval: float
    next_poll_in: float


@dataclass(frozen=True, slots=True)
class ProviderBusy:
    """The provider cannot be reached or asked for patience; tried again in ``next_poll_in`` s."""

    reason: str
    next_poll_in: float


@dataclass(frozen=True, slots=True)
class Pinged:
    """The provider has said that the decision is there; it is asked at once (CIBA 10.2)."""


@dataclass(frozen=True, slots=True)
class TokensReceived:
    """The transaction has ended well."""

    tokens: TokenSet


PollEvent = StillUndecided | SlowedDown | ProviderBusy | Pinged | TokensReceived
