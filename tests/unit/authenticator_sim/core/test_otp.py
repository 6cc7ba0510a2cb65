"""One-time codes and their time steps."""

import pytest

from authenticator_sim.core.identity.otp import (
    next_step_at,
    otp_code,
    otp_step,
    verify_totp_parameters,
)
from authenticator_sim.core.jose import JoseRefused
from ciba_service.sca.messages import TotpParameters

# RFC 6238 appendix B: the seed is "12345678901234567890" (repeated to the length of the hash).
SHA1 = TotpParameters("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "SHA1", 8, 30)
SHA256 = TotpParameters("GEZDGNBVGY3TQOJQ" * 3 + "GEZA", "SHA256", 8, 30)


@pytest.mark.parametrize(
    ("totp", "seconds", "code"),
    [
        (SHA1, 59, "94287082"),
        (SHA1, 1111111109, "07081804"),
        (SHA1, 20000000000, "65353130"),
        (SHA256, 59, "46119246"),
        (SHA256, 1234567890, "91819424"),
    ],
)
def test_codes_are_those_of_the_rfc(totp: TotpParameters, seconds: int, code: str) -> None:
    """RFC 6238 appendix B."""
    assert otp_code(totp, otp_step(totp, seconds * 1000)) == code


def test_a_step_ends_where_the_next_begins() -> None:
    """Steps are aligned to the epoch."""
    assert otp_step(SHA1, 29_999) == 0
    assert otp_step(SHA1, 30_000) == 1
    assert next_step_at(SHA1, 0) == next_step_at(SHA1, 29_999) == 30_000


@pytest.mark.parametrize(
    "totp",
    [
        TotpParameters("not base32!"),
        TotpParameters(SHA1.secret, digits=4),
        TotpParameters(SHA1.secret, period=0),
        TotpParameters(SHA1.secret, algorithm="MD5"),
    ],
)
def test_parameters_that_give_no_code_are_refused(totp: TotpParameters) -> None:
    """At enrolment, not at the first payment."""
    with pytest.raises(JoseRefused):
        verify_totp_parameters(totp)
