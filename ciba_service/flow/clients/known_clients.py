"""Every client there is: those of the configuration, and those that registered themselves."""

from ciba_service.ports import ClientRegistry, RegistrationStore
from ciba_service.protocol.client.metadata import Client

__all__ = ["KnownClients"]


class KnownClients:
    """``ports.ClientRegistry``: a configured client costs no round trip, a registered one one."""

    def __init__(self, *, configured: ClientRegistry, registrations: RegistrationStore) -> None:
        self._configured = configured
        self._registrations = registrations

    async def find(self, client_id: str) -> Client | None:
        """The client, or None; raises ``StoreUnavailable``."""
        client = await self._configured.find(client_id)
        if client is not None:
            return client
        found = await self._registrations.find(client_id)
        return None if found is None else found.client
