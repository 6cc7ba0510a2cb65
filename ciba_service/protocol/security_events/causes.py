"""Why something was refused, in words that a program can compare."""

from enum import StrEnum

__all__ = ["Cause"]


class Cause(StrEnum):
    """The first thing that was wrong; each word is explained in docs/security-events.md."""

    MALFORMED = "malformed"
    MISSING = "missing"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    TIME = "time"
    NONCE = "nonce"
    REPLAYED = "replayed"
    CERTIFICATE = "certificate"
    KEYS_UNAVAILABLE = "keys_unavailable"
    METHOD = "method"
    UNKNOWN = "unknown"
    FOREIGN = "foreign"
    KEY = "key"
    SCHEME = "scheme"
    CHALLENGE = "challenge"
    ENCRYPTION = "encryption"
    WRONG = "wrong"
    LOCKED = "locked"
    LIMIT = "limit"
