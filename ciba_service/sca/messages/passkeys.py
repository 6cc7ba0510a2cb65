"""Passkeys as WebAuthn's JSON serialisation has them."""

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from ciba_service.sca.messages.wire import Moment, base64url

__all__ = [
    "AuthenticatorSelection",
    "CreationOptions",
    "PasskeyAdded",
    "PasskeyAssertion",
    "PasskeyAssertionResponse",
    "PasskeyAttestation",
    "PasskeyAttestationResponse",
    "PasskeyBytes",
    "PasskeyDescriptor",
    "PasskeyId",
    "PasskeyOffered",
    "PasskeyParameters",
    "PasskeyRefusal",
    "PasskeyRefused",
    "PasskeyRemoved",
    "PasskeyUnknown",
    "PasskeysListed",
    "RegisteredPasskey",
    "RelyingPartyName",
    "UserName",
    "passkey_challenge",
]


PasskeyId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22,1364}\Z")]
"""A credential id in base64url: 16 to 1023 bytes (WebAuthn 4, Credential ID)."""

PasskeyBytes = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*\Z", max_length=8192)]


class PasskeyRefusal(StrEnum):
    """Why there are no options for another passkey now."""

    DISABLED = "disabled"
    TOO_MANY = "too_many"


class PasskeyAssertionResponse(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={
        "client_data_json": "clientDataJSON",
        "authenticator_data": "authenticatorData",
        "user_handle": "userHandle",
    },
):
    """What the authenticator signed, and its signature; all in base64url."""

    client_data_json: PasskeyBytes
    authenticator_data: PasskeyBytes
    signature: PasskeyBytes
    user_handle: PasskeyBytes | None = None


class PasskeyAssertion(msgspec.Struct, frozen=True, rename={"raw_id": "rawId"}):
    """``AuthenticationResponseJSON`` of WebAuthn; further members are ignored."""

    id: PasskeyId
    raw_id: PasskeyId
    response: PasskeyAssertionResponse
    type: Literal["public-key"] = "public-key"

    def __repr__(self) -> str:
        return "PasskeyAssertion(...)"


class PasskeyAttestationResponse(
    msgspec.Struct,
    frozen=True,
    rename={"client_data_json": "clientDataJSON", "attestation_object": "attestationObject"},
):
    """What a new passkey says of itself; all in base64url."""

    client_data_json: PasskeyBytes
    attestation_object: PasskeyBytes


class PasskeyAttestation(msgspec.Struct, frozen=True, rename={"raw_id": "rawId"}):
    """``RegistrationResponseJSON`` of WebAuthn; further members are ignored."""

    id: PasskeyId
    raw_id: PasskeyId
    response: PasskeyAttestationResponse
    type: Literal["public-key"] = "public-key"


class RelyingPartyName(msgspec.Struct, frozen=True):
    """Whom a passkey is for."""

    id: str
    name: str


class UserName(msgspec.Struct, frozen=True, rename="camel"):
    """Whose passkey it is; ``id`` is the user handle in base64url."""

    id: str
    name: str
    display_name: str


class PasskeyParameters(msgspec.Struct, frozen=True):
    """A kind of key that may be made, by its COSE algorithm."""

    alg: int
    type: Literal["public-key"] = "public-key"


class PasskeyDescriptor(msgspec.Struct, frozen=True):
    """A passkey by its id."""

    id: str
    type: Literal["public-key"] = "public-key"


class AuthenticatorSelection(msgspec.Struct, frozen=True, rename="camel"):
    """What the authenticator must do."""

    resident_key: Literal["preferred"] = "preferred"
    user_verification: Literal["required"] = "required"


class CreationOptions(msgspec.Struct, frozen=True, rename="camel"):
    """``PublicKeyCredentialCreationOptionsJSON`` of WebAuthn; ``timeout`` is in milliseconds."""

    rp: RelyingPartyName
    user: UserName
    challenge: str
    pub_key_cred_params: tuple[PasskeyParameters, ...]
    timeout: int
    exclude_credentials: tuple[PasskeyDescriptor, ...]
    authenticator_selection: AuthenticatorSelection = AuthenticatorSelection()
    attestation: Literal["none"] = "none"


class PasskeyOffered(msgspec.Struct, frozen=True, tag="passkey_options", tag_field="type"):
    """What to make another passkey with; its challenge is the ``nonce`` of the order."""

    options: CreationOptions


class PasskeyRefused(msgspec.Struct, frozen=True, tag="passkey_refused", tag_field="type"):
    """This phone can have no further passkey now."""

    reason: PasskeyRefusal


class RegisteredPasskey(msgspec.Struct, frozen=True, tag="passkey", tag_field="type"):
    """A passkey of this phone; ``registered_at`` is in seconds.

    ``synced``: it may be on several devices; ``backed_up``: it was when it was registered.
    """

    passkey_id: str
    registered_at: Moment
    synced: bool
    backed_up: bool


class PasskeysListed(
    msgspec.Struct, frozen=True, tag="passkeys", tag_field="type", omit_defaults=True
):
    """End of the answer to ``list_passkeys``; without ``rp_id`` no passkey counts."""

    registered: tuple[str, ...]
    rp_id: str | None = None


class PasskeyAdded(
    msgspec.Struct, frozen=True, tag="passkey_added", tag_field="type", omit_defaults=True
):
    """Told to all other phones of a user when one of them got a passkey; ``at`` as elsewhere."""

    device_id: str
    name: str
    passkey_id: str
    at: Moment | None = None


class PasskeyRemoved(
    msgspec.Struct, frozen=True, tag="passkey_removed", tag_field="type", omit_defaults=True
):
    """A passkey of a phone counts no more; told to that phone and to all others."""

    device_id: str
    name: str
    passkey_id: str
    at: Moment | None = None


class PasskeyUnknown(msgspec.Struct, frozen=True, tag="passkey_unknown", tag_field="type"):
    """This phone has no such passkey."""

    passkey_id: str


def passkey_challenge(decision_digest: str) -> str:
    """The WebAuthn challenge of a decision's passkey, in base64url; never one for anything else."""
    message = f"ciba-passkey.v1\0{decision_digest}"
    return base64url(hashlib.sha256(message.encode("ascii")).digest())
