"""The steps that a host enters whose endpoints, clients and tokens are its own."""

from collections.abc import Callable
from dataclasses import dataclass

from ciba_service.flow.asking.cancellation import Cancellation
from ciba_service.flow.asking.initiation import Initiation
from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.granting.grant_redemption import GrantRedemption
from ciba_service.ports import Telemetry

__all__ = ["HostSteps"]


@dataclass(frozen=True, slots=True)
class HostSteps:
    """``authentication`` is for hosts that leave assertions and certificates to the service."""

    authentication: ClientAuthentication
    initiation: Initiation
    redemption: GrantRedemption
    cancellation: Cancellation
    new_operation: Callable[[], str]
    telemetry: Telemetry
