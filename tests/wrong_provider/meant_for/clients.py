"""Client authentication, at both endpoints."""

from collections.abc import Iterator
from typing import Final

from tests.wrong_provider.cases import Case, core, fapi1, rsa, warns
from tests.wrong_provider.faults import Fault

__all__ = ["CLIENTS"]

ASSERTIONS: Final = {
    "assertion-missing": Fault.ACCEPTS_NO_AUTHENTICATION,
    "assertion-expired": Fault.ACCEPTS_EXPIRED_ASSERTION,
    "assertion-without-exp": Fault.ACCEPTS_ASSERTION_WITHOUT_EXP,
    "assertion-bad-aud": Fault.ACCEPTS_ASSERTION_WITH_WRONG_AUD,
    "assertion-without-aud": Fault.ACCEPTS_ASSERTION_WITHOUT_AUD,
    "assertion-bad-iss": Fault.ACCEPTS_ASSERTION_WITH_OTHER_ISS,
    "assertion-bad-sub": Fault.ACCEPTS_ASSERTION_WITH_OTHER_SUB,
    "assertion-not-yet-valid": Fault.ACCEPTS_ASSERTION_OF_THE_FUTURE,
    "assertion-without-jti": Fault.ACCEPTS_ASSERTION_WITHOUT_JTI,
    "assertion-replayed": Fault.ACCEPTS_REPLAYED_ASSERTION,
    "assertion-bad-signature": Fault.ACCEPTS_ASSERTION_WITH_BAD_SIGNATURE,
    "assertion-alg-none": Fault.ACCEPTS_ASSERTION_WITH_ALG_NONE,
    "assertion-mac": Fault.ACCEPTS_ASSERTION_WITH_MAC,
    "assertion-rs256": Fault.ACCEPTS_ASSERTION_WITH_RS256,
    "assertion-unregistered-key": Fault.ACCEPTS_ASSERTION_WITH_BAD_SIGNATURE,
    "assertion-other-client-key": Fault.ACCEPTS_ASSERTION_WITH_ANOTHER_CLIENTS_KEY,
    "assertion-wrong-type": Fault.ACCEPTS_ASSERTION_WITHOUT_TYPE,
    "assertion-not-a-jwt": Fault.ANSWERS_500_TO_MALFORMED_ASSERTIONS,
    "assertion-another-client-id": Fault.IGNORES_CLIENT_ID_OF_THE_FORM,
    "assertion-aud-token-endpoint": Fault.ACCEPTS_TOKEN_ENDPOINT_AS_AUDIENCE,
}


def _assertions() -> Iterator[Case]:
    for check, fault in ASSERTIONS.items():
        broken = fault is Fault.ANSWERS_500_TO_MALFORMED_ASSERTIONS
        status = "status 500" if broken else "status 200"
        cases = (
            Case(fault, f"backchannel-{check}", f"401 invalid_client, but the answer was {status}"),
            Case(fault, f"token-{check}", "status 500" if broken else "authorization_pending"),
        )
        yield from map(rsa, cases) if check == "assertion-rs256" else cases


CLIENTS: Final = (
    *_assertions(),
    Case(
        Fault.INVALID_CLIENT_WITH_WRONG_CODE,
        "backchannel-assertion-bad-signature",
        "status 400 unauthorized_client",
    ),
    Case(
        Fault.INVALID_CLIENT_WITH_STATUS_403,
        "backchannel-assertion-bad-signature",
        "status 403 invalid_client",
    ),
    Case(
        Fault.INVALID_CLIENT_WITH_WRONG_CODE,
        "token-assertion-bad-signature",
        "status 400 unauthorized_client",
    ),
    core(
        Case(
            Fault.REFUSES_ISSUER_AS_ASSERTION_AUDIENCE,
            "backchannel-assertion-aud-issuer",
            "status 401 invalid_client",
        )
    ),
    core(
        Case(
            Fault.REFUSES_TOKEN_ENDPOINT_AS_ASSERTION_AUDIENCE,
            "backchannel-assertion-aud-token-endpoint-accepted",
            "status 401 invalid_client",
        )
    ),
    fapi1(
        Case(
            Fault.REFUSES_BACKCHANNEL_ENDPOINT_AS_ASSERTION_AUDIENCE,
            "backchannel-assertion-aud-itself",
            "status 401 invalid_client",
        )
    ),
    warns(
        core(
            Case(
                Fault.REFUSES_ISSUER_AT_TOKEN_ENDPOINT,
                "token-assertion-aud-issuer",
                "status 401 invalid_client",
            )
        )
    ),
)
