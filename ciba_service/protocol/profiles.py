"""Security profiles as data: what a client registered under each must obey."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.names import DeliveryMode

__all__ = ["PROFILES", "AudiencePolicy", "Profile", "ProfileName"]


class ProfileName(StrEnum):
    """How a profile is called in the configuration."""

    FAPI_CIBA = "fapi-ciba"
    FAPI2_CIBA = "fapi2-ciba"
    CIBA_CORE = "ciba-core"


class AudiencePolicy(StrEnum):
    """What the ``aud`` of a client assertion may be."""

    ISSUER_OR_ENDPOINT = "issuer or endpoint"  # CIBA 7.1
    ISSUER_STRING = "issuer"  # FAPI 2.0 5.3.2.1 (8)


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules of one profile; algorithms are those for everything the client signs or gets.

    ``assertion_lifetime``: seconds for which an assertion is good at the most (RFC 7523 3 (5)).
    ``demands_certificate``: tokens are bound to a certificate unless DPoP was registered.
    """

    name: ProfileName
    algorithms: frozenset[SignatureAlgorithm]
    audience: AudiencePolicy
    assertion_lifetime: int
    delivery_modes: frozenset[DeliveryMode]
    demands_signed_request: bool
    demands_sender_constraint: bool
    demands_certificate: bool
    demands_context: bool


_FAPI_ASSERTION_LIFETIME: Final = 300
_FAPI: Final = frozenset({SignatureAlgorithm.PS256, SignatureAlgorithm.ES256})

PROFILES: Final = {
    # FAPI-CIBA Implementer's Draft 1, on FAPI 1.0
    ProfileName.FAPI_CIBA: Profile(
        name=ProfileName.FAPI_CIBA,
        algorithms=_FAPI,
        audience=AudiencePolicy.ISSUER_OR_ENDPOINT,
        assertion_lifetime=_FAPI_ASSERTION_LIFETIME,
        delivery_modes=frozenset({DeliveryMode.POLL, DeliveryMode.PING}),
        demands_signed_request=True,
        demands_sender_constraint=True,
        demands_certificate=True,
        demands_context=True,
    ),
    # FAPI-CIBA as FAPI 2.0 has it
    ProfileName.FAPI2_CIBA: Profile(
        name=ProfileName.FAPI2_CIBA,
        algorithms=_FAPI | {SignatureAlgorithm.EDDSA},
        audience=AudiencePolicy.ISSUER_STRING,
        assertion_lifetime=_FAPI_ASSERTION_LIFETIME,
        delivery_modes=frozenset({DeliveryMode.POLL, DeliveryMode.PING}),
        demands_signed_request=True,
        demands_sender_constraint=True,
        demands_certificate=False,
        demands_context=True,
    ),
    # CIBA Core alone
    ProfileName.CIBA_CORE: Profile(
        name=ProfileName.CIBA_CORE,
        algorithms=frozenset(SignatureAlgorithm),
        audience=AudiencePolicy.ISSUER_OR_ENDPOINT,
        assertion_lifetime=3600,  # what libraries sign that are not told otherwise
        delivery_modes=frozenset(DeliveryMode),
        demands_signed_request=False,
        demands_sender_constraint=False,
        demands_certificate=False,
        demands_context=False,
    ),
}
