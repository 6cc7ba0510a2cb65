"""What a phone and the service say to each other: the one module a phone may import.

Every signed object, every frame, and the few pure functions that both sides must compute alike
stand here; docs/device-protocol.md explains them with examples.
"""

import base64
import hashlib
import hmac
import re
from enum import IntEnum, StrEnum
from typing import Annotated, Final, Literal, TypeVar

import msgspec

__all__ = [
    "CHALLENGE_TYP",
    "CHALLENGE_VERSION",
    "DECISION_TYP",
    "ENROLMENT_TYP",
    "FACTORS_TYP",
    "KEYS_TYP",
    "KEY_ANNOUNCEMENT_VERSION",
    "LARGEST_FRAME",
    "ORDER_FACTORS_TYP",
    "ORDER_TYP",
    "OUTCOME_WINDOW",
    "PIN_KEY_BYTES",
    "SECRETS_TYP",
    "SESSION_TYP",
    "SUBPROTOCOL",
    "WAKE_UP_CONTENT",
    "Accepted",
    "AccessEnded",
    "AccessUnknown",
    "AccessesListed",
    "AskWakeUp",
    "Authenticate",
    "AuthenticatorSelection",
    "Challenge",
    "ChallengeOffered",
    "CloseCode",
    "CreationOptions",
    "Decide",
    "DecisionClaims",
    "DenialReason",
    "DeviceEnrolled",
    "DeviceId",
    "DeviceMessage",
    "DeviceName",
    "DevicePath",
    "DeviceRemoved",
    "DeviceRenamed",
    "DevicesListed",
    "Display",
    "DropWakeUp",
    "EndAccess",
    "EnrolledDevice",
    "EnrolmentAnswer",
    "EnrolmentClaims",
    "EnrolmentRequest",
    "EnrolmentSecrets",
    "Factor",
    "FactorProofs",
    "Fetch",
    "Fetched",
    "GiveOrder",
    "GiveUp",
    "HandleMade",
    "HandleRefusal",
    "HandleRefused",
    "Hello",
    "KeyAnnouncement",
    "KeysAnnounced",
    "LastingAccess",
    "ListAccesses",
    "ListDevices",
    "ListPasskeys",
    "MakeHandle",
    "MakePasskey",
    "MessageExchange",
    "NameRefused",
    "OrderAction",
    "OrderCarriedOut",
    "OrderClaims",
    "OrderProofs",
    "OrderRefusal",
    "OrderRefused",
    "PasskeyAdded",
    "PasskeyAssertion",
    "PasskeyAssertionResponse",
    "PasskeyAttestation",
    "PasskeyAttestationResponse",
    "PasskeyDescriptor",
    "PasskeyId",
    "PasskeyOffered",
    "PasskeyParameters",
    "PasskeyRefusal",
    "PasskeyRefused",
    "PasskeyRemoved",
    "PasskeyUnknown",
    "PasskeysListed",
    "Payment",
    "Received",
    "RefusalReason",
    "Refused",
    "RegisteredPasskey",
    "RelyingPartyName",
    "RemovePasskey",
    "RenameDevice",
    "ServiceKeys",
    "ServiceMessage",
    "SessionClaims",
    "SetWakeUp",
    "Shown",
    "ShownDetail",
    "ShownLine",
    "TotpParameters",
    "TransactionId",
    "UserName",
    "Verdict",
    "WakeUpDropped",
    "WakeUpOffered",
    "WakeUpRefusal",
    "WakeUpRefused",
    "WakeUpSet",
    "Welcome",
    "Withdrawn",
    "WithdrawnReason",
    "amount_text",
    "body_hash",
    "challenge_hash",
    "decision_digest",
    "decode_device_message",
    "decode_service_message",
    "order_pin_proof",
    "passkey_challenge",
    "pin_proof",
    "transaction_id",
]

SUBPROTOCOL: Final = "ciba-device.v1"

# Bytes of a frame, and of a request's body over HTTPS.
LARGEST_FRAME: Final = 16 * 1024
# Seconds after the expiry of a challenge during which a resent decision is still answered.
OUTCOME_WINDOW: Final = 600
PIN_KEY_BYTES: Final = 32
CHALLENGE_VERSION: Final = 1
KEY_ANNOUNCEMENT_VERSION: Final = 1

# All that a push says to a phone, once it is decrypted: ask for what is open.
WAKE_UP_CONTENT: Final = b"look"

CHALLENGE_TYP: Final = "ciba-challenge+jws"
DECISION_TYP: Final = "ciba-decision+jwt"
ENROLMENT_TYP: Final = "ciba-enrolment+jwt"
KEYS_TYP: Final = "ciba-keys+jws"
SESSION_TYP: Final = "ciba-session+jwt"
FACTORS_TYP: Final = "ciba-factors+jwe"
ORDER_TYP: Final = "ciba-order+jwt"
ORDER_FACTORS_TYP: Final = "ciba-order-factors+jwe"
SECRETS_TYP: Final = "ciba-secrets+jwe"

TransactionId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]
"""A name as ``transaction_id`` makes it."""

DeviceId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
"""A phone's name as enrolment gives it."""

DeviceName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
"""What the user calls a phone: plain text, which the service looks at besides."""

# For each language what stands between thousands, and before the fraction.
_SEPARATORS: Final = {"en": (",", "."), "de": (".", ",")}
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)

PushEndpoint = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
PushKey = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{87}\Z")]  # 65 bytes
PushSecret = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}\Z")]  # 16 bytes

_Moment = Annotated[int, msgspec.Meta(ge=0, lt=253_402_300_800)]  # before the year 10000


PasskeyId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22,1364}\Z")]
"""A credential id in base64url: 16 to 1023 bytes (WebAuthn 4, Credential ID)."""

_PasskeyBytes = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*\Z", max_length=8192)]


class DevicePath(StrEnum):
    """What a phone calls, below the issuer's address."""

    ENROLMENTS = "/device/enrolments"
    SOCKET = "/device/ws"
    NONCE = "/device/nonce"
    MESSAGES = "/device/messages"


class CloseCode(IntEnum):
    """Why the service closed a phone's WebSocket (docs/device-protocol.md)."""

    MALFORMED = 4400
    NOT_AUTHENTICATED = 4401
    REVOKED = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    TOO_MANY_FRAMES = 4429
    UNAVAILABLE = 4503


class Factor(StrEnum):
    """An authentication element that a challenge may ask for (PSD2 RTS art. 4, 6 to 8)."""

    DEVICE_KEY = "device_key"
    PIN = "pin"
    PASSKEY = "passkey"  # WebAuthn, with user verification
    OTP = "otp"
    VERIFICATION_CODE = "verification_code"  # shown on the consumption device, typed on the phone


class Verdict(StrEnum):
    """What the user decided."""

    APPROVE = "approve"
    DENY = "deny"


class DenialReason(StrEnum):
    """Why the user declined."""

    DECLINED = "declined"
    NOT_ME = "not_me"


class RefusalReason(StrEnum):
    """Why a decision did not count; never which element was wrong (PSD2 RTS art. 4(3)(b))."""

    FACTORS = "factors"
    LOCKED = "locked"
    NOT_OPEN = "not_open"
    INVALID_DECISION = "invalid_decision"
    UNAVAILABLE = "unavailable"


class HandleRefusal(StrEnum):
    """Why there is no handle for this user now."""

    LOCKED = "locked"
    DISABLED = "disabled"


class OrderAction(StrEnum):
    """What a phone may order with its PIN."""

    REVOKE_DEVICE = "revoke_device"
    CHANGE_PIN = "change_pin"
    ADD_PASSKEY = "add_passkey"


class OrderRefusal(StrEnum):
    """Why an order was not carried out."""

    FACTORS = "factors"
    LOCKED = "locked"
    STALE = "stale"
    UNKNOWN_DEVICE = "unknown_device"
    INVALID_PASSKEY = "invalid_passkey"
    TOO_MANY_PASSKEYS = "too_many_passkeys"
    INVALID_ORDER = "invalid_order"
    UNAVAILABLE = "unavailable"


class WakeUpRefusal(StrEnum):
    """Why a phone cannot be woken in this way."""

    NOT_OFFERED = "not_offered"
    ENDPOINT = "endpoint"
    KEY = "key"


class PasskeyRefusal(StrEnum):
    """Why there are no options for another passkey now."""

    DISABLED = "disabled"
    TOO_MANY = "too_many"


class WithdrawnReason(StrEnum):
    """Why a challenge is no longer open."""

    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Payment(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All of a payment as typed fields, for dynamic linking (PSD2 RTS art. 5).

    A phone refuses a member that it does not know: it could not show it.
    """

    amount: str
    currency: str
    creditor_name: str
    creditor_iban: str | None = None
    remittance_information: str | None = None


class ShownLine(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is shown of one member of an authorization detail, text by text under one label.

    ``member`` is its path, the names with dots between. The texts are the values themselves, but
    for spaces, or where it is ``worded`` the service's words: one text a value, or one on a member
    that is not there.
    """

    member: str
    label: str
    texts: tuple[str, ...]
    worded: bool = False


class ShownDetail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is shown of one authorization detail (RFC 9396 2); ``title`` says its type."""

    title: str
    lines: tuple[ShownLine, ...]


class Display(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The final text a phone shows, to the letter; identical on all phones of the user.

    Each member is shown apart from the others; one that the phone does not know is refused.
    """

    title: str
    client: str
    shares: tuple[str, ...]
    binding_message: str | None = None
    amount: str | None = None
    payee: str | None = None
    payee_account: str | None = None
    remittance_information: str | None = None
    details: tuple[ShownDetail, ...] = ()


class Challenge(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the challenge JWS; ``iat`` and ``exp`` are seconds since the epoch.

    ``authorization_details`` are all but payments, as tokens will state them; ``display.details``
    has each of them, in the same order. With ``passkey_for_pin`` the proof of a passkey may take
    the place of the PIN's.
    """

    v: int
    iss: str
    transaction_id: str
    nonce: str
    iat: int
    exp: int
    locale: str
    display: Display
    factors: tuple[Factor, ...]
    passkey_for_pin: bool = False
    scope: tuple[str, ...] = ()
    payments: tuple[Payment, ...] = ()
    authorization_details: tuple[dict[str, object], ...] = ()


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

    client_data_json: _PasskeyBytes
    authenticator_data: _PasskeyBytes
    signature: _PasskeyBytes
    user_handle: _PasskeyBytes | None = None


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

    client_data_json: _PasskeyBytes
    attestation_object: _PasskeyBytes


class PasskeyAttestation(msgspec.Struct, frozen=True, rename={"raw_id": "rawId"}):
    """``RegistrationResponseJSON`` of WebAuthn; further members are ignored."""

    id: PasskeyId
    raw_id: PasskeyId
    response: PasskeyAttestationResponse
    type: Literal["public-key"] = "public-key"


class FactorProofs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plaintext of the factors JWE; ``jti`` repeats the decision's, so that it cannot be moved."""

    jti: str
    pin_proof: str | None = None
    passkey: PasskeyAssertion | None = None
    otp: str | None = None
    verification_code: str | None = None

    def __repr__(self) -> str:
        return "FactorProofs(...)"


class DecisionClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the decision JWS; ``iss`` is the device id, ``iat`` is recorded only."""

    iss: str
    aud: str
    jti: str
    iat: int
    transaction_id: str
    challenge_hash: str
    verdict: Verdict
    reason: DenialReason | None = None
    factors: str | None = None


class OrderClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the order JWS; ``nonce`` is that of a ``hello``, ``iat`` is recorded only.

    ``device_id`` is the phone to be revoked.
    """

    iss: str
    aud: str
    jti: str
    iat: int
    nonce: str
    action: OrderAction
    factors: str
    device_id: DeviceId | None = None


class OrderProofs(msgspec.Struct, frozen=True, omit_defaults=True):
    """Plaintext of an order's factors JWE; ``pin_key`` is the new one (32 bytes, base64url).

    ``passkey`` is the one to be registered.
    """

    jti: str
    pin_proof: str
    pin_key: str | None = None
    passkey: PasskeyAttestation | None = None

    def __repr__(self) -> str:
        return "OrderProofs(...)"


class SessionClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the session JWS; ``body_hash`` is present over HTTPS only."""

    iss: str
    aud: str
    nonce: str
    jti: str
    iat: int
    body_hash: str | None = None


class EnrolmentClaims(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the enrolment JWS, signed by the key whose public half is in its header."""

    aud: str
    jti: str
    iat: int
    activation_code: str
    name: str
    encryption_key: dict[str, str]
    second_secret: str | None = None

    def __repr__(self) -> str:
        return "EnrolmentClaims(...)"


class EnrolmentRequest(msgspec.Struct, frozen=True):
    """Body of ``POST /device/enrolments``."""

    enrolment: str


class TotpParameters(msgspec.Struct, frozen=True):
    """An RFC 6238 seed (base32) and its settings; ``period`` is in seconds."""

    secret: str
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30

    def __repr__(self) -> str:
        return "TotpParameters(...)"


class EnrolmentSecrets(msgspec.Struct, frozen=True):
    """Plaintext of the secrets JWE: the PIN key (32 bytes, base64url) and the OTP seed."""

    pin_key: str
    totp: TotpParameters

    def __repr__(self) -> str:
        return "EnrolmentSecrets(...)"


class ServiceKeys(msgspec.Struct, frozen=True):
    """Public keys the phone pins: they verify challenges and encrypt factors."""

    challenge: tuple[dict[str, str], ...]
    encryption: dict[str, str]


class KeyAnnouncement(msgspec.Struct, frozen=True):
    """Payload of a key announcement: the challenge keys to pin from now on, in place of others.

    ``iat`` (seconds) is when they changed: a phone never goes back to an older announcement.
    """

    v: int
    iss: str
    iat: int
    challenge: tuple[dict[str, str], ...]


class EnrolmentAnswer(msgspec.Struct, frozen=True):
    """Body of the 201 answer to an enrolment."""

    device_id: str
    issuer: str
    subject: str
    websocket: str
    messages: str
    keys: ServiceKeys
    secrets: str


class Hello(msgspec.Struct, frozen=True, tag="hello", tag_field="type"):
    """First frame on a socket: the nonce to sign."""

    issuer: str
    nonce: str


class Welcome(msgspec.Struct, frozen=True, tag="welcome", tag_field="type"):
    """The phone is authenticated; ``server_time`` is milliseconds since the epoch."""

    device_id: str
    server_time: int


class ChallengeOffered(msgspec.Struct, frozen=True, tag="challenge", tag_field="type"):
    """An open challenge, as the exact JWS to verify, show and sign."""

    challenge: str


class KeysAnnounced(msgspec.Struct, frozen=True, tag="keys", tag_field="type"):
    """The same key announcement signed by each key that a phone may have pinned."""

    announcements: tuple[str, ...]


class Fetched(msgspec.Struct, frozen=True, tag="fetched", tag_field="type"):
    """End of the answer to a fetch; ``open`` lists every transaction still open."""

    open: tuple[str, ...]


class Withdrawn(msgspec.Struct, frozen=True, tag="withdrawn", tag_field="type"):
    """A challenge that needs no answer any more."""

    transaction_id: str
    reason: WithdrawnReason


class Accepted(msgspec.Struct, frozen=True, tag="accepted", tag_field="type"):
    """The decision counts; ``decision`` is its ``jti``."""

    transaction_id: str
    decision: str
    verdict: Verdict


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="type", omit_defaults=True):
    """The decision does not count; ``attempts_left`` only where factors were evaluated."""

    transaction_id: str
    decision: str
    reason: RefusalReason
    attempts_left: int | None = None


class DeviceEnrolled(
    msgspec.Struct, frozen=True, tag="device_enrolled", tag_field="type", omit_defaults=True
):
    """Told to all other phones of a user when a further one was enrolled.

    ``at`` (seconds) says when, where it is told later.
    """

    device_id: str
    name: str
    at: _Moment | None = None


class DeviceRemoved(
    msgspec.Struct, frozen=True, tag="device_revoked", tag_field="type", omit_defaults=True
):
    """A phone of this user counts no more; told to all others, and to itself if it gave up.

    ``at`` (seconds) says when, where it is told later.
    """

    device_id: str
    name: str
    at: _Moment | None = None


class EnrolledDevice(msgspec.Struct, frozen=True, tag="device", tag_field="type"):
    """A phone of this user; ``enrolled_at`` is in seconds, ``this`` is the asking one."""

    device_id: str
    name: str
    enrolled_at: _Moment
    this: bool


class DevicesListed(msgspec.Struct, frozen=True, tag="devices", tag_field="type"):
    """End of the answer to ``list_devices``; ``enrolled`` has the name of each."""

    enrolled: tuple[str, ...]


class DeviceRenamed(msgspec.Struct, frozen=True, tag="device_renamed", tag_field="type"):
    """The asking phone has this name now."""

    device_id: str
    name: str


class NameRefused(msgspec.Struct, frozen=True, tag="name_refused", tag_field="type"):
    """The name is no plain text; the phone keeps the one it has."""


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
    registered_at: _Moment
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
    at: _Moment | None = None


class PasskeyRemoved(
    msgspec.Struct, frozen=True, tag="passkey_removed", tag_field="type", omit_defaults=True
):
    """A passkey of a phone counts no more; told to that phone and to all others."""

    device_id: str
    name: str
    passkey_id: str
    at: _Moment | None = None


class PasskeyUnknown(msgspec.Struct, frozen=True, tag="passkey_unknown", tag_field="type"):
    """This phone has no such passkey."""

    passkey_id: str


class OrderCarriedOut(msgspec.Struct, frozen=True, tag="order_done", tag_field="type"):
    """The order was carried out, now or before; ``order`` is its ``jti``."""

    order: str
    action: OrderAction


class OrderRefused(
    msgspec.Struct, frozen=True, tag="order_refused", tag_field="type", omit_defaults=True
):
    """Nothing was done; ``attempts_left`` only where the PIN was evaluated."""

    order: str
    reason: OrderRefusal
    attempts_left: int | None = None


class HandleMade(msgspec.Struct, frozen=True, tag="handle_made", tag_field="type"):
    """A name of the user for one request of whoever is shown it; ``expires_in`` is in seconds."""

    handle: str
    expires_in: int

    def __repr__(self) -> str:
        return "HandleMade(...)"


class HandleRefused(msgspec.Struct, frozen=True, tag="handle_refused", tag_field="type"):
    """There is no handle for this user now."""

    reason: HandleRefusal


class LastingAccess(
    msgspec.Struct, frozen=True, tag="access", tag_field="type", omit_defaults=True
):
    """A client that holds a refresh token; ``since`` and ``until`` are in seconds.

    ``until`` is when it ends if the client does not use it, which puts the end off.
    """

    transaction_id: str
    client: str
    shares: tuple[str, ...]
    since: _Moment
    until: _Moment
    details: tuple[ShownDetail, ...] = ()


class AccessesListed(msgspec.Struct, frozen=True, tag="accesses", tag_field="type"):
    """End of the answer to ``list_accesses``; ``lasting`` has the transaction of each."""

    lasting: tuple[str, ...]


class AccessEnded(msgspec.Struct, frozen=True, tag="access_ended", tag_field="type"):
    """No token of this access is good any more."""

    transaction_id: str


class AccessUnknown(msgspec.Struct, frozen=True, tag="access_unknown", tag_field="type"):
    """This user has no lasting access of that name."""

    transaction_id: str


class WakeUpOffered(
    msgspec.Struct, frozen=True, tag="wake_up_offered", tag_field="type", omit_defaults=True
):
    """Answer to ``ask_wake_up``; ``set`` says whether this phone has an address here.

    ``web_push_key`` is the service's key for Web Push (RFC 8292), as an uncompressed point in
    base64url; absent where the service sends none.
    """

    set: bool
    web_push_key: str | None = None


class WakeUpSet(msgspec.Struct, frozen=True, tag="wake_up_set", tag_field="type"):
    """The address is kept, in place of the one before."""


class WakeUpRefused(msgspec.Struct, frozen=True, tag="wake_up_refused", tag_field="type"):
    """The address is not kept; the one before stays."""

    reason: WakeUpRefusal


class WakeUpDropped(msgspec.Struct, frozen=True, tag="wake_up_dropped", tag_field="type"):
    """This phone has no address any more."""


class Authenticate(msgspec.Struct, frozen=True, tag="authenticate", tag_field="type"):
    """Answer to ``hello``: a session JWS over its nonce."""

    proof: str


class Fetch(msgspec.Struct, frozen=True, tag="fetch", tag_field="type"):
    """Ask for every open challenge."""


class Decide(msgspec.Struct, frozen=True, tag="decide", tag_field="type"):
    """Hand in a decision JWS; a resent one gets its first outcome."""

    decision: str


class MakeHandle(msgspec.Struct, frozen=True, tag="make_handle", tag_field="type"):
    """Ask for a login handle; each gets another one."""


class ListAccesses(msgspec.Struct, frozen=True, tag="list_accesses", tag_field="type"):
    """Ask for every access that lasts."""


class EndAccess(msgspec.Struct, frozen=True, tag="end_access", tag_field="type"):
    """End one of them; it may be sent again."""

    transaction_id: TransactionId


class ListDevices(msgspec.Struct, frozen=True, tag="list_devices", tag_field="type"):
    """Ask for every phone of the user."""


class RenameDevice(msgspec.Struct, frozen=True, tag="rename_device", tag_field="type"):
    """Give this phone another name."""

    name: DeviceName


class GiveUp(msgspec.Struct, frozen=True, tag="give_up", tag_field="type"):
    """Revoke this very phone."""


class MakePasskey(msgspec.Struct, frozen=True, tag="make_passkey", tag_field="type"):
    """Ask for options to make a passkey with; each time they have another challenge."""


class ListPasskeys(msgspec.Struct, frozen=True, tag="list_passkeys", tag_field="type"):
    """Ask for every passkey of this phone."""


class RemovePasskey(msgspec.Struct, frozen=True, tag="remove_passkey", tag_field="type"):
    """Forget a passkey of this phone."""

    passkey_id: PasskeyId


class Received(msgspec.Struct, frozen=True, tag="received", tag_field="type"):
    """A challenge has come and verifies; nothing is answered."""

    transaction_id: TransactionId


class Shown(msgspec.Struct, frozen=True, tag="shown", tag_field="type"):
    """The challenge is in front of the user; nothing is answered."""

    transaction_id: TransactionId


class GiveOrder(msgspec.Struct, frozen=True, tag="order", tag_field="type"):
    """Hand in an order JWS; a resent one gets its first outcome."""

    order: str


class AskWakeUp(msgspec.Struct, frozen=True, tag="ask_wake_up", tag_field="type"):
    """Ask how the service can wake this phone while it has no socket."""


class SetWakeUp(msgspec.Struct, frozen=True, tag="set_wake_up", tag_field="type"):
    """Be woken by Web Push: the members of a push subscription (RFC 8030, RFC 8291 2)."""

    endpoint: PushEndpoint
    p256dh: PushKey
    auth: PushSecret

    def __repr__(self) -> str:
        return "SetWakeUp(...)"


class DropWakeUp(msgspec.Struct, frozen=True, tag="drop_wake_up", tag_field="type"):
    """Be woken no more."""


ServiceMessage = (
    Hello
    | Welcome
    | KeysAnnounced
    | ChallengeOffered
    | Fetched
    | Withdrawn
    | Accepted
    | Refused
    | DeviceEnrolled
    | HandleMade
    | HandleRefused
    | LastingAccess
    | AccessesListed
    | AccessEnded
    | AccessUnknown
    | DeviceRemoved
    | EnrolledDevice
    | DevicesListed
    | DeviceRenamed
    | NameRefused
    | OrderCarriedOut
    | OrderRefused
    | WakeUpOffered
    | WakeUpSet
    | WakeUpRefused
    | WakeUpDropped
    | PasskeyOffered
    | PasskeyRefused
    | RegisteredPasskey
    | PasskeysListed
    | PasskeyAdded
    | PasskeyRemoved
    | PasskeyUnknown
)
DeviceMessage = (
    Authenticate
    | Fetch
    | Decide
    | MakeHandle
    | ListAccesses
    | EndAccess
    | ListDevices
    | RenameDevice
    | GiveUp
    | GiveOrder
    | MakePasskey
    | ListPasskeys
    | RemovePasskey
    | Received
    | Shown
    | AskWakeUp
    | SetWakeUp
    | DropWakeUp
)


class MessageExchange(msgspec.Struct, frozen=True):
    """Body of the answer to ``POST /device/messages``: the frames a socket would have carried."""

    messages: tuple[ServiceMessage, ...]


_T = TypeVar("_T")
_device_decoder: Final[msgspec.json.Decoder[DeviceMessage]] = msgspec.json.Decoder(DeviceMessage)
_service_decoder: Final[msgspec.json.Decoder[ServiceMessage]] = msgspec.json.Decoder(ServiceMessage)


def decode_device_message(frame: str | bytes) -> DeviceMessage:
    """Parse a frame sent by a phone; raises ``msgspec.DecodeError`` when it is malformed."""
    return _decode(_device_decoder, frame)


def decode_service_message(frame: str | bytes) -> ServiceMessage:
    """Parse a frame sent by the service; raises ``msgspec.DecodeError`` when it is malformed."""
    return _decode(_service_decoder, frame)


def _decode(decoder: msgspec.json.Decoder[_T], frame: str | bytes) -> _T:
    try:
        return decoder.decode(frame)
    except (UnicodeError, RecursionError) as error:
        raise msgspec.DecodeError("not UTF-8, or nested too deeply") from error


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def amount_text(amount: str, currency: str, locale: str) -> str:
    """An amount as it is displayed, each digit of it (PSD2 RTS art. 5).

    Raises:
        KeyError: for a language that there is not.
        ValueError: for what is no decimal number with a point.
    """
    thousands, point = _SEPARATORS[locale]
    if not _AMOUNT.fullmatch(amount):
        raise ValueError("no amount")
    whole, _, fraction = amount.partition(".")
    grouped = f"{int(whole):,}".replace(",", thousands)
    return f"{grouped}{point if fraction else ''}{fraction} {currency}"


def transaction_id(auth_req_id: str) -> str:
    """Name of a transaction that may be told to phones and logs: half of a SHA-256 hash."""
    return _base64url(hashlib.sha256(auth_req_id.encode("ascii")).digest()[:16])


def challenge_hash(challenge: str) -> str:
    """Hash of the exact challenge JWS: the dynamic link a decision signs (PSD2 RTS art. 5)."""
    return _base64url(hashlib.sha256(challenge.encode("ascii")).digest())


def body_hash(body: bytes) -> str:
    """Hash of a request body, for the session proof over HTTPS."""
    return _base64url(hashlib.sha256(body).digest())


def pin_proof(
    pin_key: bytes, *, device_id: str, challenge_hash: str, verdict: Verdict, jti: str
) -> str:
    """Proof that the PIN was entered for exactly this decision: HMAC-SHA-256 under the PIN key."""
    message = f"ciba-pin.v1\0{device_id}\0{challenge_hash}\0{verdict}\0{jti}"
    return _base64url(hmac.digest(pin_key, message.encode("ascii"), "sha256"))


def order_pin_proof(
    pin_key: bytes,
    *,
    device_id: str,
    nonce: str,
    action: OrderAction,
    target: str | None,
    jti: str,
) -> str:
    """Proof that the PIN was entered for exactly this order; never one for a decision."""
    message = f"ciba-pin-order.v1\0{device_id}\0{nonce}\0{action}\0{target or ''}\0{jti}"
    return _base64url(hmac.digest(pin_key, message.encode("ascii"), "sha256"))


def decision_digest(claims: DecisionClaims) -> str:
    """Hash of all that an approval says but its factors: what its passkey confirms."""
    message = (
        f"ciba-decision.v1\0{claims.iss}\0{claims.aud}\0{claims.jti}\0{claims.iat}"
        f"\0{claims.transaction_id}\0{claims.challenge_hash}\0{claims.verdict}"
    )
    return _base64url(hashlib.sha256(message.encode()).digest())


def passkey_challenge(decision_digest: str) -> str:
    """The WebAuthn challenge of a decision's passkey, in base64url; never one for anything else."""
    message = f"ciba-passkey.v1\0{decision_digest}"
    return _base64url(hashlib.sha256(message.encode("ascii")).digest())
