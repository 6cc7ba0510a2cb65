"""What py_webauthn says of the responses of authenticators: the one place that meets it.

The library follows WebAuthn 7.1 and 7.2. What it leaves open is closed here: frames of other
origins, forms of attestation nobody asked for, keys that are none, and ids of another passkey.
"""

from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from webauthn.authentication.verify_authentication_response import (
    VerifiedAuthentication,
    verify_authentication_response,
)
from webauthn.helpers import (
    decode_credential_public_key,
    decoded_public_key_to_cryptography,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationFormat,
    AuthenticationCredential,
    AuthenticatorAssertionResponse,
    AuthenticatorAttestationResponse,
    CredentialDeviceType,
    RegistrationCredential,
)
from webauthn.registration.verify_registration_response import (
    VerifiedRegistration,
    verify_registration_response,
)

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.sca.factors.passkey_proofs import InvalidPasskeyError, VerifiedPasskey
from ciba_service.sca.factors.passkeys import ALGORITHMS, Passkey, RelyingParty
from ciba_service.sca.messages import PasskeyAssertion, PasskeyAttestation

__all__ = ["verify_assertion", "verify_attestation"]

_LONGEST_REASON: Final = 160
_ALGORITHMS: Final = list(map(COSEAlgorithmIdentifier, ALGORITHMS))

# What the library and the one below it raise on structures that are none.
_STRUCTURE: Final = (
    WebAuthnException,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class _ClientData(msgspec.Struct, frozen=True, rename={"cross_origin": "crossOrigin"}):
    origin: str
    cross_origin: bool = False


def verify_attestation(
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
    response = attestation.response
    client_data = _bytes(response.client_data_json)
    _verify_origin(client_data, party)
    credential = RegistrationCredential(
        id=attestation.id,
        raw_id=_bytes(attestation.raw_id),
        response=AuthenticatorAttestationResponse(
            client_data_json=client_data,
            attestation_object=_bytes(response.attestation_object),
        ),
    )
    try:
        _verify_form(credential.response.attestation_object)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=parse_base64url(challenge),
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            require_user_verification=True,
            supported_pub_key_algs=_ALGORITHMS,
        )
        _verify_key(verified.credential_public_key)
    except _STRUCTURE as error:
        raise InvalidPasskeyError(_reason(error)) from error
    return _registered(attestation, verified, party, now=now, order=order)


def verify_assertion(
    assertion: PasskeyAssertion, passkey: Passkey, *, challenge: str, party: RelyingParty
) -> VerifiedPasskey:
    """Verify that the user of this passkey confirmed the challenge (WebAuthn 7.2).

    Raises:
        InvalidPasskeyError: when anything about it is wrong.
    """
    credential = _credential(assertion)
    _verify_origin(credential.response.client_data_json, party)
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=parse_base64url(challenge),
            expected_rp_id=party.rp_id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _STRUCTURE as error:
        raise InvalidPasskeyError(_reason(error)) from error
    _verify_backup(verified, passkey, party)
    return VerifiedPasskey(passkey, verified.new_sign_count)


def _bytes(text: str) -> bytes:
    """Decode what a phone sent; raises ``InvalidPasskeyError``."""
    try:
        return parse_base64url(text)
    except ValueError as error:
        raise InvalidPasskeyError("not base64url") from error


def _credential(assertion: PasskeyAssertion) -> AuthenticationCredential:
    response = assertion.response
    return AuthenticationCredential(
        id=assertion.id,
        raw_id=_bytes(assertion.raw_id),
        response=AuthenticatorAssertionResponse(
            client_data_json=_bytes(response.client_data_json),
            authenticator_data=_bytes(response.authenticator_data),
            signature=_bytes(response.signature),
        ),
    )


def _verify_origin(client_data: bytes, party: RelyingParty) -> None:
    try:
        said = msgspec.json.decode(client_data, type=_ClientData)
    except (ValueError, RecursionError) as error:  # of JSON or UTF-8
        raise InvalidPasskeyError("the client data are malformed") from error
    if said.origin not in party.origins or said.cross_origin:
        raise InvalidPasskeyError("it was made on another origin")


def _verify_form(attestation_object: bytes) -> None:
    # Nobody asked for an attestation; an authenticator may sign with the new key itself all the
    # same (WebAuthn 5.1.3, "none"). No certificate is parsed.
    parsed = parse_attestation_object(attestation_object)
    is_bare = parsed.fmt == AttestationFormat.NONE
    if not is_bare and (parsed.fmt != AttestationFormat.PACKED or parsed.att_stmt.x5c is not None):
        raise InvalidPasskeyError("it is attested in a form nobody asked for")


def _verify_key(cose: bytes) -> None:
    decoded = decode_credential_public_key(cose)
    key = decoded_public_key_to_cryptography(decoded)
    if decoded.alg == COSEAlgorithmIdentifier.EDDSA:
        fits = isinstance(key, Ed25519PublicKey)
    else:
        fits = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    if not fits:
        raise InvalidPasskeyError("its key does not go with its algorithm")


def _reason(error: Exception) -> str:
    # The library quotes what it was given, of any length and kind.
    return ascii(str(error))[:_LONGEST_REASON]


def _registered(
    attestation: PasskeyAttestation,
    verified: VerifiedRegistration,
    party: RelyingParty,
    *,
    now: int,
    order: str,
) -> Passkey:
    if base64url(verified.credential_id) != attestation.id:
        raise InvalidPasskeyError("it has another id")
    is_synced = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if is_synced and not party.allows_synced:
        raise InvalidPasskeyError("it may be on several devices")
    return Passkey(
        passkey_id=attestation.id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        synced=is_synced,
        backed_up=verified.credential_backed_up,
        registered_at=now,
        order=order,
    )


def _verify_backup(verified: VerifiedAuthentication, passkey: Passkey, party: RelyingParty) -> None:
    is_synced = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if is_synced is not passkey.synced:
        raise InvalidPasskeyError("whether it may be synced has changed")
    if is_synced and not party.allows_synced:
        raise InvalidPasskeyError("it may be on several devices")
