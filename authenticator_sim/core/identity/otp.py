"""The one-time code (RFC 6238): which step it is, its code, and when the next step begins."""

import hashlib
from typing import Final

import pyotp

from authenticator_sim.core.jose import JoseRefused
from ciba_service.sca.messages import TotpParameters

__all__ = ["next_step_at", "otp_code", "otp_step", "verify_totp_parameters"]

_DIGESTS: Final = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}


def otp_step(totp: TotpParameters, now_ms: int) -> int:
    """Number of the time step in which ``now_ms`` (milliseconds) falls."""
    return now_ms // (totp.period * 1000)


def next_step_at(totp: TotpParameters, now_ms: int) -> int:
    """Begin of the next time step, in milliseconds."""
    return (otp_step(totp, now_ms) + 1) * totp.period * 1000


def otp_code(totp: TotpParameters, step: int) -> str:
    """Code of one time step."""
    return _generator(totp).at(step * totp.period)


def verify_totp_parameters(totp: TotpParameters) -> TotpParameters:
    """Return the parameters once a code could be made with them; raises ``JoseRefused``."""
    try:
        otp_code(totp, 0)
    except (KeyError, ValueError) as error:
        raise JoseRefused("one-time code parameters that cannot be used") from error
    return totp


def _generator(totp: TotpParameters) -> pyotp.TOTP:
    return pyotp.TOTP(
        totp.secret,
        digits=totp.digits,
        digest=_DIGESTS[totp.algorithm],
        interval=totp.period,
    )
