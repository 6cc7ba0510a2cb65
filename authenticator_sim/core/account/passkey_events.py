"""What the service says of passkeys, as events."""

from authenticator_sim.core.events import (
    Event,
    OtherPasskeyAdded,
    OtherPasskeyRemoved,
    PasskeyForgotten,
    PasskeyInvited,
    PasskeyListCompleted,
    PasskeyNotFound,
    PasskeyNotOffered,
    PasskeyShown,
)
from ciba_service.sca.messages import (
    PasskeyAdded,
    PasskeyOffered,
    PasskeyRefused,
    PasskeyRemoved,
    PasskeysListed,
    PasskeyUnknown,
    RegisteredPasskey,
)

__all__ = ["AboutPasskeys", "passkey_event"]

AboutPasskeys = (
    PasskeyOffered
    | PasskeyRefused
    | RegisteredPasskey
    | PasskeysListed
    | PasskeyAdded
    | PasskeyRemoved
    | PasskeyUnknown
)


def passkey_event(message: AboutPasskeys, *, own_id: str) -> Event:
    """The event of one message about passkeys."""
    match message:
        case PasskeyOffered():
            return PasskeyInvited(message.options)
        case PasskeyRefused():
            return PasskeyNotOffered(message.reason)
        case RegisteredPasskey():
            return PasskeyShown(
                message.passkey_id, message.registered_at, message.synced, message.backed_up
            )
        case PasskeysListed():
            return PasskeyListCompleted(message.registered)
        case PasskeyUnknown():
            return PasskeyNotFound(message.passkey_id)
        case _:
            return _change(message, own_id)


def _change(message: PasskeyAdded | PasskeyRemoved, own_id: str) -> Event:
    if isinstance(message, PasskeyAdded):
        return OtherPasskeyAdded(message.device_id, message.name, message.passkey_id)
    if message.device_id == own_id:
        return PasskeyForgotten(message.passkey_id)
    return OtherPasskeyRemoved(message.device_id, message.name, message.passkey_id)
