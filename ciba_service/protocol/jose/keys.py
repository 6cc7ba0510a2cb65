"""Public keys of others: parsed once, never weak, never private (FAPI 1.0 Part 1 5.2.2)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.util import base64_to_int

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm

__all__ = [
    "MAXIMUM_RSA_BITS",
    "MAXIMUM_RSA_EXPONENT_BITS",
    "InvalidKeyError",
    "KeySet",
    "NoSignatureKeyError",
    "PublicKey",
    "VerificationKey",
    "parse_public_key",
    "parse_verification_key",
]

PublicKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey

MINIMUM_RSA_BITS: Final = 2048
MAXIMUM_RSA_BITS: Final = 8192
# A client chooses its keys, and anybody can have them tried: a verification takes the time of both
# numbers, with an exponent as long as the modulus twenty milliseconds.
MAXIMUM_RSA_EXPONENT_BITS: Final = 32
MAXIMUM_KEYS: Final = 32

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = {
    "EC": ("kty", "crv", "x", "y"),
    "RSA": ("kty", "n", "e"),
    "OKP": ("kty", "crv", "x"),
}
# Registered values (IANA JOSE) that others have a use for: they are no mistake, but not for here.
_FOREIGN: Final[Mapping[str, tuple[str, ...]]] = {
    "alg": (
        "RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "ES256K", "Ed448", "ML-DSA-44",
        "ML-DSA-65", "ML-DSA-87", "RSA-OAEP", "RSA-OAEP-256", "RSA-OAEP-384", "RSA-OAEP-512",
        "RSA1_5", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
    ),
    "crv": ("P-384", "P-521", "secp256k1", "X25519", "Ed448", "X448"),
    "kty": ("AKP",),
}  # fmt: skip


class InvalidKeyError(ValueError):
    """A JWK that cannot be used to verify signatures here; the text says why."""


class NoSignatureKeyError(InvalidKeyError):
    """A key set in which nothing is wrong, and nothing is for signatures here."""

    def __init__(self) -> None:
        super().__init__("the key set holds no signature key")


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with what its JWK says about its use."""

    key: PublicKey = field(repr=False)
    key_type: str
    kid: str | None
    alg: SignatureAlgorithm | None

    def fits(self, alg: SignatureAlgorithm) -> bool:
        """Whether this key may verify ``alg``: one algorithm a key (RFC 8725 3.1)."""
        return self.key_type == alg.key_type and self.alg in (None, alg)


class KeySet:
    """A client's verification keys, looked up by ``kid`` and algorithm (FAPI 1.0 Part 2 8.11)."""

    __slots__ = ("_fitting", "_keys")

    def __init__(self, keys: Iterable[VerificationKey]) -> None:
        self._keys = tuple(keys)
        self._fitting: dict[SignatureAlgorithm, tuple[VerificationKey, ...]] = {}

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def candidates(self, *, kid: str | None, alg: SignatureAlgorithm) -> list[VerificationKey]:
        """Keys that may have signed; several when ``kid`` is absent or not unique."""
        fitting = self._fitting.get(alg)
        if fitting is None:
            fitting = self._fitting[alg] = tuple(key for key in self._keys if key.fits(alg))
        return [key for key in fitting if kid is None or key.kid == kid]

    @classmethod
    def parse(cls, jwks: Mapping[str, object]) -> "KeySet":
        """Read a JWK Set; keys for other uses or of kinds unknown here are left out (RFC 7517 5).

        Raises:
            InvalidKeyError: when it is no key set, is too long, holds a secret or a malformed or
                weak key, or none that is left.
        """
        parsed = [parse_verification_key(jwk) for jwk in _signature_keys(jwks)]
        if not parsed:
            raise NoSignatureKeyError
        return cls(parsed)

    @classmethod
    def parse_published(cls, jwks: Mapping[str, object]) -> "KeySet":
        """Read a JWK Set that its owner publishes for others as well.

        A key that cannot be used here is left out, whatever is wrong with it: nobody is there to
        mend it, and the others count all the same (RFC 7517 5).

        Raises:
            InvalidKeyError: when it is no key set, is too long, holds a secret, or no key that can
                be used; then the text says what is wrong with the first.
        """
        parsed: list[VerificationKey] = []
        defects: list[InvalidKeyError] = []
        for jwk in _signature_keys(jwks):
            try:
                parsed.append(parse_verification_key(jwk))
            except InvalidKeyError as error:
                defects.append(error)
        if not parsed:
            raise defects[0] if defects else NoSignatureKeyError()
        return cls(parsed)


def parse_verification_key(jwk: object) -> VerificationKey:
    """Read one public JWK.

    Raises:
        InvalidKeyError: when it is private, weak, of another type or curve, or malformed.
    """
    members, key_type = _public(jwk)
    return VerificationKey(
        key=_strong(_import(members, key_type)),
        key_type=key_type,
        kid=_optional_text(members, "kid"),
        alg=_algorithm(members, key_type),
    )


def parse_public_key(jwk: object) -> object:
    """The key of one public JWK, on whatever curve: to be compared, and to verify nothing.

    Raises:
        InvalidKeyError: when it is private, of another type, or malformed.
    """
    return _import(*_public(jwk))


def _public(jwk: object) -> tuple[Mapping[str, object], str]:
    """The members of a public JWK, and its type."""
    if not isinstance(jwk, dict):
        raise InvalidKeyError("a key is not a JSON object")
    _refuse_secret(jwk)
    key_type = jwk.get("kty")
    if not isinstance(key_type, str) or key_type not in _PUBLIC_MEMBERS:
        raise InvalidKeyError("kty is not EC, RSA or OKP")
    return jwk, key_type


def _signature_keys(jwks: Mapping[str, object]) -> list[object]:
    """The members of a set that are for signatures; refused whole where one is a secret."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not keys or len(keys) > MAXIMUM_KEYS:
        raise InvalidKeyError(f"a key set needs 1 to {MAXIMUM_KEYS} keys")
    for jwk in keys:
        _refuse_secret(jwk)
    return [jwk for jwk in keys if not _is_passed_over(jwk)]


def _refuse_secret(jwk: object) -> None:
    if isinstance(jwk, dict) and (_PRIVATE_MEMBERS & jwk.keys() or jwk.get("kty") == "oct"):
        raise InvalidKeyError("a key is private or symmetric")


def _is_passed_over(jwk: object) -> bool:
    if not isinstance(jwk, dict):
        return False
    return jwk.get("use") == "enc" or any(
        jwk.get(name) in foreign for name, foreign in _FOREIGN.items()
    )


def _optional_text(jwk: Mapping[str, object], name: str) -> str | None:
    value = jwk.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidKeyError(f"{name} is not a string")


def _algorithm(jwk: Mapping[str, object], key_type: str) -> SignatureAlgorithm | None:
    alg = _optional_text(jwk, "alg")
    if alg is None:
        return None
    try:
        parsed = SignatureAlgorithm(alg)
    except ValueError as error:
        raise InvalidKeyError("alg is not a signature algorithm of this service") from error
    if parsed.key_type != key_type:
        raise InvalidKeyError("alg and kty contradict each other")
    return parsed


def _import(jwk: Mapping[str, object], key_type: str) -> object:
    members: dict[str, str | list[str]] = {}
    for name in _PUBLIC_MEMBERS[key_type]:
        value = jwk.get(name)
        if not isinstance(value, str):
            raise InvalidKeyError(f"{name} is missing or not a string")
        members[name] = value
    try:
        return _public_key(members, key_type)
    except InvalidKeyError:
        raise
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InvalidKeyError("the key is malformed") from error


def _public_key(members: dict[str, str | list[str]], key_type: str) -> object:
    match key_type:
        case "EC":
            return ECKey.import_key(members).public_key
        case "RSA":
            # Before it is imported: the library warns of short keys, which would fill the log.
            _demand_size(base64_to_int(str(members["n"])).bit_length())
            _demand_short_exponent(base64_to_int(str(members["e"])).bit_length())
            return RSAKey.import_key(members).public_key
        case _:
            return OKPKey.import_key(members).public_key


def _demand_size(bits: int) -> None:
    if not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS:
        raise InvalidKeyError(f"an RSA key needs {MINIMUM_RSA_BITS} to {MAXIMUM_RSA_BITS} bits")


def _demand_short_exponent(bits: int) -> None:
    if bits > MAXIMUM_RSA_EXPONENT_BITS:
        raise InvalidKeyError(f"an RSA exponent has at most {MAXIMUM_RSA_EXPONENT_BITS} bits")


def _strong(key: object) -> PublicKey:
    match key:
        case EllipticCurvePublicKey() if not isinstance(key.curve, SECP256R1):
            raise InvalidKeyError("an EC key is not on P-256")
        case RSAPublicKey() | EllipticCurvePublicKey() | Ed25519PublicKey():
            return key
        case _:
            raise InvalidKeyError("an OKP key is not Ed25519")
