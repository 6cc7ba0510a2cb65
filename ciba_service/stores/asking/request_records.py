"""What was asked, as it is kept: compressed before it is sealed, to a third.

Nearly all of a challenge, and of what goes with it, is the same in each: a dictionary of what is
usual makes up for there being no text before it. What no dictionary helps with is kept as bytes:
the signature. Lengths tell nothing to whoever can read the store, who sees them in any case.
"""

import zlib
from typing import Final

import msgspec

from ciba_service.ports import StoredRequest
from ciba_service.protocol.jose.encoding import base64url, parse_base64url

__all__ = ["DICTIONARY", "pack_request", "unpack_request"]

DICTIONARY: Final = (
    b"\xa7details\xa9resources\xafrequest_context\xa7binding\xb1verification_code"
    b"\xaedevice_key\xa3otp\xa6claims\x82\xa8id_token\xa8userinfo\xafpasskey_for_pin\xc3"
    b'"factors":["device_key","pin","otp","verification_code"],"passkey_for_pin":true,'
    b'"locale":"de","display":{"title":"Anmeldung best\xc3\xa4tigen","logo":"'
    b'"shares":["Ihre Identit\xc3\xa4t","Ihr Name und Ihr Profil","Zugriff: '
    b'"Dauerhafter Zugriff, ohne Sie noch einmal zu fragen"],"binding_message":"'
    b'"title":"Zahlung best\xc3\xa4tigen","title":"Zugriff best\xc3\xa4tigen"'
    b'"title":"Confirm access","title":"Confirm payment","client":"","amount":"10.00 EUR",'
    b'"payee":"","payee_account":"DE","remittance_information":""},'
    b'"payments":[{"amount":"10.00","currency":"EUR",'
    b'"creditor_name":"","creditor_iban":"DE"}],"authorization_details":[{"type":"'
    b"\xb2payment_initiation\xda"
    b'{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"10.00"},'
    b'"creditorName":"","creditorAccount":{"iban":"DE"},"remittanceInformationUnstructured":"'
    b"\x93\x85\xa7subject\xa6\xa5scope\x91\xa6openid\xa3acr\xb8urn:openbanking:psd2:ca"
    b"\xa3acr\xb8urn:openbanking:psd2:sca\xa7factors\x92\xaadevice_key\xa3pin\xa9challenge\xa0"
    b'\xc4`{"alg":"ES256","kid":"","typ":"ciba-challenge+jws"}\xc5\x01'
    b'{"v":1,"iss":"https://","transaction_id":"","nonce":"","iat":1,"exp":1,"locale":"en",'
    b'"display":{"title":"Confirm sign-in","client":"","shares":["Your identity",'
    b'"Your name and profile","Access: ","Lasting access, without asking you again"],'
    b'"binding_message":""},"factors":["device_key","pin"],"scope":["openid",""]}'
)
"""Part of the format of records: changed only together with it."""

_LEVEL: Final = 3
# A window of two kilobytes holds nearly every request; longer ones lose a little.
_WINDOW_BITS: Final = 11
_MEMORY_LEVEL: Final = 2
_FRESH: Final = zlib.compressobj(
    _LEVEL, zlib.DEFLATED, -_WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, DICTIONARY
)
"""Copied for each: to read the dictionary takes longer."""


class _Parts(msgspec.Struct, frozen=True, array_like=True):
    """A request; apart from it the header and payload of its challenge, if that is a JWS."""

    request: StoredRequest
    header: bytes
    payload: bytes


def pack_request(request: StoredRequest) -> bytes:
    """The bytes to be sealed."""
    parts, signature = _split(request)
    deflate = _FRESH.copy()
    packed = deflate.compress(msgspec.msgpack.encode(parts)) + deflate.flush()
    return msgspec.msgpack.encode((packed, signature))


def unpack_request(data: bytes) -> StoredRequest:
    """What was asked, to the letter; ``data`` is what was packed here, and is not checked."""
    packed, signature = msgspec.msgpack.decode(data, type=tuple[bytes, bytes])
    inflate = zlib.decompressobj(-_WINDOW_BITS, DICTIONARY)
    parts = msgspec.msgpack.decode(inflate.decompress(packed), type=_Parts)
    if not signature:
        return parts.request
    challenge = ".".join(map(base64url, (parts.header, parts.payload, signature)))
    return msgspec.structs.replace(parts.request, challenge=challenge)


def _split(request: StoredRequest) -> tuple[_Parts, bytes]:
    try:
        header, payload, signature = map(parse_base64url, request.challenge.split("."))
    except ValueError:  # of another form, or not base64url
        return _Parts(request, b"", b""), b""
    if not signature:
        return _Parts(request, b"", b""), b""
    return _Parts(msgspec.structs.replace(request, challenge=""), header, payload), signature
