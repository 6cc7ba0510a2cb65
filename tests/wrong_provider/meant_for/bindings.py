"""What tokens are bound to, and what they are good for."""

from typing import Final

from tests.wrong_provider.cases import Case, by_certificate, certified, fapi1, noncing, warns
from tests.wrong_provider.faults import Fault

__all__ = ["BINDINGS"]

PENDING: Final = "authorization_pending"

PROOFS: Final = (
    Case(Fault.ACCEPTS_NO_DPOP_PROOF, "proof-missing", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_FOR_OTHER_METHOD, "proof-wrong-method", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_FOR_OTHER_URL, "proof-wrong-url", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITHOUT_JTI, "proof-without-jti", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITHOUT_IAT, "proof-without-iat", PENDING),
    Case(Fault.ACCEPTS_OLD_DPOP_PROOF, "proof-old", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITH_WRONG_TYP, "proof-wrong-typ", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITH_ALG_NONE, "proof-alg-none", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITH_BAD_SIGNATURE, "proof-bad-signature", PENDING),
    Case(Fault.ACCEPTS_DPOP_PROOF_WITH_PRIVATE_KEY, "proof-private-key", PENDING),
    warns(Case(Fault.ACCEPTS_REPLAYED_DPOP_PROOF, "proof-replayed", PENDING)),
    Case(Fault.RESOURCE_ACCEPTS_PROOF_WITHOUT_ATH, "resource-proof-without-ath", "status 200"),
    Case(Fault.TOKEN_WITHOUT_CONFIRMATION, "access-token-proof-confirmation", "it is None"),
    Case(Fault.RESOURCE_ACCEPTS_OTHER_DPOP_KEY, "resource-proof-of-another-key", "status 200"),
    Case(Fault.RESOURCE_IGNORES_BINDING, "resource-bound-token-as-bearer", "status 200"),
    Case(Fault.TOKEN_NOT_BOUND, "resource-bound-token-as-bearer", "status 200"),
)

CERTIFICATES: Final = (
    by_certificate(
        Case(
            Fault.IGNORES_CLIENT_ID_OF_THE_CERTIFICATE,
            "backchannel-certificate-of-another-client",
            "accepted",
        )
    ),
    by_certificate(
        Case(
            Fault.INVALID_CLIENT_WITH_STATUS_403,
            "backchannel-certificate-and-request-of-another-client",
            "status 403 invalid_client",
        )
    ),
    by_certificate(
        Case(
            Fault.ACCEPTS_ANOTHER_CLIENTS_CERTIFICATE,
            "token-certificate-of-another-client",
            "invalid_grant",
        )
    ),
    by_certificate(Case(Fault.ACCEPTS_NO_CERTIFICATE, "token-without-certificate", PENDING)),
    certified(Case(Fault.ACCEPTS_NO_CERTIFICATE, "token-without-certificate", PENDING)),
    certified(
        Case(
            Fault.TOKEN_WITHOUT_CONFIRMATION,
            "access-token-certificate-confirmation",
            "it is None",
        )
    ),
    certified(
        Case(
            Fault.RESOURCE_IGNORES_BINDING,
            "resource-certificate-of-another-client",
            "status 200",
        )
    ),
)

RESOURCES: Final = (
    Case(Fault.RESOURCE_REFUSES_TOKENS, "resource-accepts-token", "status 401"),
    Case(Fault.RESOURCE_ACCEPTS_NO_TOKEN, "resource-without-token", "status 200"),
    Case(Fault.RESOURCE_WITHOUT_CHALLENGE, "resource-without-token", "WWW-Authenticate"),
    Case(Fault.RESOURCE_ACCEPTS_ANY_TOKEN, "resource-unknown-token", "status 200"),
    Case(Fault.RESOURCE_ACCEPTS_TOKEN_IN_QUERY, "resource-token-in-query", "status 200"),
    fapi1(Case(Fault.RESOURCE_WITHOUT_INTERACTION_ID, "resource-interaction-id", "absent")),
    fapi1(Case(Fault.RESOURCE_WITH_OTHER_INTERACTION_ID, "resource-interaction-id", "it is")),
    fapi1(
        Case(Fault.RESOURCE_WITHOUT_INTERACTION_ID, "resource-interaction-id-generated", "absent")
    ),
    Case(Fault.REFRESHED_TOKENS_WITH_OTHER_SUB, "refresh-id-token", "sub differs"),
    Case(Fault.REFRESH_REFUSED, "refresh", "invalid_grant"),
    Case(Fault.TOKENS_MAY_BE_STORED, "refresh", "it is absent"),
    Case(Fault.REFRESH_TOKEN_OF_ANOTHER_CLIENT, "refresh-by-another-client", "accepted"),
)

BINDINGS: Final = (*PROOFS, *map(noncing, PROOFS), *CERTIFICATES, *RESOURCES)
