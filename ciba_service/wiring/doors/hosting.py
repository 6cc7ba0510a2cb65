"""The steps for a host whose endpoints, clients and tokens are its own."""

from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.flow.host_steps import HostSteps
from ciba_service.wiring.doors.oauth_door import cancellation, client_authentication, initiation
from ciba_service.wiring.doors.tokens import grant_redemption
from ciba_service.wiring.parts import Parts

__all__ = ["host_steps"]


def host_steps(parts: Parts) -> HostSteps:
    """The same steps as behind our own endpoints."""
    published = PublishedKeys(parts.outbound.client_keys)
    authentication = client_authentication(parts, published)
    return HostSteps(
        authentication=authentication,
        initiation=initiation(parts, authentication, published),
        redemption=grant_redemption(parts),
        cancellation=cancellation(parts, authentication),
        new_operation=parts.surroundings.new_operation,
        telemetry=parts.log,
    )
