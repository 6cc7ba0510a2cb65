"""What this configuration will use is loaded at the start, not in the middle of a request.

Clients that register themselves later may need more: the first of them waits for it.
"""

from importlib import import_module

from ciba_service.protocol.names import DeliveryMode
from ciba_service.wiring.parts import Parts

__all__ = ["load_ahead"]


def load_ahead(parts: Parts) -> None:
    """Libraries of passkeys, callbacks and key sets, where there are any."""
    settings = parts.settings
    if settings.relying_party is not None:
        import_module("ciba_service.sca.factors.webauthn_responses")
    if any(client.delivery_mode is not DeliveryMode.POLL for client in settings.clients):
        parts.outbound.callbacks.prepare()
    if any(client.jwks_uri is not None for client in settings.clients):
        parts.outbound.key_requests.prepare()
