"""A phone's passkeys: what is kept of one, how many there may be, and what one is made with."""

from dataclasses import dataclass
from typing import Final

from ciba_service.sca.messages import (
    CreationOptions,
    PasskeyDescriptor,
    PasskeyParameters,
    RelyingPartyName,
    UserName,
)

__all__ = [
    "ALGORITHMS",
    "MAXIMUM_PASSKEYS",
    "Passkey",
    "PasskeyKnown",
    "RelyingParty",
    "TooManyPasskeys",
    "creation_options",
    "with_passkey",
]

MAXIMUM_PASSKEYS: Final = 5
"""How many passkeys a phone may have."""

# COSE: ES256 on P-256, and EdDSA with Ed25519; the first is preferred.
ALGORITHMS: Final = (-7, -8)
_TIMEOUT_MS: Final = 240_000


class TooManyPasskeys(Exception):
    """The phone has as many passkeys as it may have."""


class PasskeyKnown(Exception):
    """The phone has a passkey of this id, or had the one of this order and removed it."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are made for, and where they may be used from.

    ``origins`` are those of web pages and of native apps; a passkey that is synced between devices
    counts only where ``allows_synced`` says so.
    """

    rp_id: str
    name: str
    origins: tuple[str, ...]
    allows_synced: bool


@dataclass(frozen=True, slots=True)
class Passkey:
    """A registered passkey; ``registered_at`` is in milliseconds.

    ``public_key`` is in COSE form, ``sign_count`` what it was at registration. ``synced`` (backup
    eligible) never changes, ``backed_up`` is as it was then. ``order`` is what registered it.
    """

    passkey_id: str
    public_key: bytes
    sign_count: int
    synced: bool
    backed_up: bool
    registered_at: int
    order: str


def with_passkey(held: tuple[Passkey, ...], new: Passkey) -> tuple[Passkey, ...]:
    """The passkeys of a phone and one more; raises ``TooManyPasskeys`` and ``PasskeyKnown``.

    What the same order registered before is not registered again.
    """
    if any(each.order == new.order for each in held):
        return held
    if any(each.passkey_id == new.passkey_id for each in held):
        raise PasskeyKnown
    if len(held) >= MAXIMUM_PASSKEYS:
        raise TooManyPasskeys
    return (*held, new)


def creation_options(
    party: RelyingParty,
    *,
    challenge: str,
    subject: str,
    user_handle: str,
    held: tuple[Passkey, ...],
) -> CreationOptions:
    """What to make another passkey with (WebAuthn 5.4); ``user_handle`` is in base64url."""
    return CreationOptions(
        rp=RelyingPartyName(id=party.rp_id, name=party.name),
        user=UserName(id=user_handle, name=subject, display_name=subject),
        challenge=challenge,
        pub_key_cred_params=tuple(map(PasskeyParameters, ALGORITHMS)),
        timeout=_TIMEOUT_MS,
        exclude_credentials=tuple(PasskeyDescriptor(each.passkey_id) for each in held),
    )
