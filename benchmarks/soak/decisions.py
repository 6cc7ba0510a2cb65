"""What a phone checks and signs, as fast as can be; the messages are those of the service."""

import base64
import secrets
import struct
import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.soak.history import Sent
from benchmarks.speed.signing import Es256Key, base64url
from ciba_service.sca.messages import (
    DECISION_TYP,
    FACTORS_TYP,
    SESSION_TYP,
    Challenge,
    Verdict,
    challenge_hash,
    pin_proof,
)

__all__ = ["Identity", "ServiceKeys"]

_ECDSA: Final = ECDSA(SHA256())
_COORDINATE: Final = 32


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _json(members: dict[str, object]) -> str:
    return base64url(msgspec.json.encode(members))


def _public(jwk: dict[str, str]) -> EllipticCurvePublicKey:
    x, y = (int.from_bytes(_bytes(jwk[name])) for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


class ServiceKeys:
    """What a phone pinned at its enrolment."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self._challenge = {each["kid"]: _public(each) for each in keys["challenge"]}
        self._encryption = _public(keys["encryption"])
        self._kid = keys["encryption"]["kid"]
        self._decode = msgspec.json.Decoder(Challenge).decode

    def verify(self, text: str) -> Challenge:
        """The challenge; raises ``InvalidSignature`` or ``KeyError``."""
        signed, _, signature = text.rpartition(".")
        head, _, payload = signed.partition(".")
        raw = _bytes(signature)
        r, s = (int.from_bytes(raw[at : at + _COORDINATE]) for at in (0, _COORDINATE))
        kid = msgspec.json.decode(_bytes(head))["kid"]
        self._challenge[kid].verify(encode_dss_signature(r, s), signed.encode("ascii"), _ECDSA)
        return self._decode(_bytes(payload))

    def encrypt(self, plaintext: bytes) -> str:
        """A JWE by ECDH-ES and A256GCM (RFC 7518 4.6, 5.3)."""
        ephemeral = generate_private_key(SECP256R1())
        numbers = ephemeral.public_key().public_numbers()
        x, y = (base64url(each.to_bytes(_COORDINATE)) for each in (numbers.x, numbers.y))
        head = _json(
            {
                "alg": "ECDH-ES",
                "enc": "A256GCM",
                "typ": FACTORS_TYP,
                "kid": self._kid,
                "epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
            }
        )
        shared = ephemeral.exchange(ECDH(), self._encryption)
        algorithm = b"A256GCM"
        info = struct.pack(">I", len(algorithm)) + algorithm + bytes(8) + struct.pack(">I", 256)
        key = sha256(struct.pack(">I", 1) + shared + info).digest()
        nonce = secrets.token_bytes(12)
        sealed = AESGCM(key).encrypt(nonce, plaintext, head.encode("ascii"))
        text, tag = base64url(sealed[:-16]), base64url(sealed[-16:])
        return f"{head}..{base64url(nonce)}.{text}.{tag}"


@dataclass
class Identity:
    """An enrolled phone: its name, its keys and what it knows of the service."""

    user: str
    issuer: str
    device_id: str
    key: Es256Key
    pin_key: bytes = field(repr=False)
    service: ServiceKeys

    def session(self, nonce: str) -> str:
        """The proof that opens a socket."""
        claims = {
            "iss": self.device_id,
            "aud": self.issuer,
            "nonce": nonce,
            "jti": base64url(secrets.token_bytes(16)),
            "iat": time.time_ns() // 1_000_000_000,
        }
        return self.key.sign(self.key.header(typ=SESSION_TYP, kid=self.device_id), claims)

    def decision(self, text: str, name: str, what: Sent, jti: str) -> str:
        """A decision about the challenge ``text`` of the transaction ``name``."""
        verdict = Verdict.DENY if what is Sent.DENIAL else Verdict.APPROVE
        link = challenge_hash(text)
        claims: dict[str, object] = {
            "iss": self.device_id,
            "aud": self.issuer,
            "jti": jti,
            "iat": time.time_ns() // 1_000_000_000,
            "transaction_id": name,
            "challenge_hash": link,
            "verdict": verdict.value,
        }
        if verdict is Verdict.DENY:
            claims["reason"] = "declined"
        else:
            claims["factors"] = self._factors(link, what, jti)
        header = self.key.header(typ=DECISION_TYP, kid=self.device_id)
        return self.key.sign(header, claims)

    def _factors(self, link: str, what: Sent, jti: str) -> str:
        proofs = {"jti": jti}
        if what is not Sent.MISSING:
            proofs["pin_proof"] = pin_proof(
                self.pin_key if what is Sent.RIGHT else bytes(32),
                device_id=self.device_id,
                challenge_hash=link,
                verdict=Verdict.APPROVE,
                jti=jti,
            )
        return self.service.encrypt(msgspec.json.encode(proofs))
