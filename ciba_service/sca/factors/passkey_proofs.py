"""What a passkey proves: that it was made for us, and that its user confirmed this decision.

The library behind it is loaded with the first passkey: most services have none.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from ciba_service.protocol.comparison import equal_secrets
from ciba_service.sca.factors.passkeys import Passkey, RelyingParty
from ciba_service.sca.messages import PasskeyAssertion, PasskeyAttestation

__all__ = [
    "InvalidPasskeyError",
    "VerifiedPasskey",
    "verify_passkey",
    "verify_registration",
]

_LIBRARY: Final = "ciba_service.sca.factors.webauthn_responses"


class InvalidPasskeyError(ValueError):
    """It proves nothing; the text is for the log only."""


@dataclass(frozen=True, slots=True)
class VerifiedPasskey:
    """A passkey whose user was verified; ``sign_count`` must still be spent before it counts."""

    passkey: Passkey
    sign_count: int


def verify_registration(
    attestation: PasskeyAttestation,
    *,
    challenge: str,
    party: RelyingParty,
    now: int,
    order: str,
) -> Passkey:
    """Verify a new passkey (WebAuthn 7.1); ``now`` is in milliseconds.

    Raises:
        InvalidPasskeyError: when anything about it is not as it was asked for.
    """
    passkey: Passkey = import_module(_LIBRARY).verify_attestation(
        attestation, challenge=challenge, party=party, now=now, order=order
    )
    return passkey


def verify_passkey(
    assertion: PasskeyAssertion | None,
    *,
    challenge: str,
    held: tuple[Passkey, ...],
    user_handle: str,
    party: RelyingParty | None,
) -> VerifiedPasskey:
    """Verify that the user of a passkey ``held`` by this phone confirmed it (WebAuthn 7.2).

    Raises:
        InvalidPasskeyError: when it is absent or anything about it is wrong.
    """
    if assertion is None or party is None:
        raise InvalidPasskeyError("there is none, or none counts here")
    passkey = next((each for each in held if each.passkey_id == assertion.id), None)
    if passkey is None:
        raise InvalidPasskeyError("this phone has no such passkey")
    handle = assertion.response.user_handle
    if handle is not None and not equal_secrets(handle, user_handle):
        raise InvalidPasskeyError("it is about another user")
    verified: VerifiedPasskey = import_module(_LIBRARY).verify_assertion(
        assertion, passkey, challenge=challenge, party=party
    )
    return verified
