"""How a client learns of the decision, by its registered names (CIBA 4)."""

from enum import StrEnum

__all__ = ["TokenDeliveryMode"]


class TokenDeliveryMode(StrEnum):
    """``backchannel_token_delivery_mode``: ask for it, be told and ask, or be given the tokens."""

    POLL = "poll"
    PING = "ping"
    PUSH = "push"
