"""All checks in the order in which they run and are reported."""

from typing import Final

from ciba_client.conformance.check import Check
from ciba_client.conformance.checks import (
    acknowledgement,
    certificates,
    client_authentication,
    decisions,
    hints,
    id_token,
    keys,
    metadata,
    parameters,
    ping,
    polling,
    proofs,
    push,
    request_objects,
    resource_answers,
    resources,
    token_errors,
    token_response,
    transport,
)
from ciba_client.conformance.profile import Profile
from ciba_client.sdk.delivery_mode import TokenDeliveryMode

__all__ = ["CHECKS", "MODULE_PREFIX", "applicable"]

CHECKS: Final[tuple[Check, ...]] = (
    *metadata.CHECKS,
    *keys.CHECKS,
    *acknowledgement.CHECKS,
    *transport.CHECKS,
    *client_authentication.CHECKS,
    *certificates.CHECKS,
    *request_objects.CHECKS,
    *hints.CHECKS,
    *parameters.CHECKS,
    *polling.CHECKS,
    *decisions.CHECKS,
    *token_errors.CHECKS,
    *token_response.CHECKS,
    *id_token.CHECKS,
    *proofs.CHECKS,
    *ping.CHECKS,
    *push.CHECKS,
    *resources.CHECKS,
    *resource_answers.CHECKS,
)

MODULE_PREFIX: Final = "fapi-ciba-id1-"
"""What the names of the modules of the certification plan begin with."""


def applicable(profile: Profile, mode: TokenDeliveryMode) -> tuple[Check, ...]:
    """Those for a client of this profile and mode."""
    return tuple(each for each in CHECKS if profile in each.profiles and mode in each.modes)
