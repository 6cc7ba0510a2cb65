"""Whether the service could do its work, for load balancers and operators."""

from ciba_service.endpoints.health import Health
from ciba_service.wiring.parts import Parts

__all__ = ["build_health"]


def build_health(parts: Parts) -> Health:
    """It asks the store at every look, and waits no longer than whoever looks would."""
    return Health(
        store=parts.stores.readiness,
        is_leaving=parts.leaving.is_set,
        is_listening=parts.stores.subscription.ready.is_set,
        clock=parts.surroundings.store_clock,
    )
