"""A client that a user had blocked or declined too often may ask again: the operator's act."""

from ciba_service.ports import StandingStore, Telemetry
from ciba_service.protocol.security_events.kinds import ClientUnblocked
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Unblocking"]


class Unblocking:
    """Lifts blocks and pauses."""

    def __init__(self, *, standing: StandingStore, telemetry: Telemetry) -> None:
        self._standing = standing
        self._telemetry = telemetry

    async def unblock(self, subject: str, client_id: str) -> None:
        """Let a client ask a user again; raises ``StoreUnavailable``."""
        await self._standing.unblock(user_tag(subject), client_id)
        self._telemetry.event("client_unblocked", user=user_tag(subject), client_id=client_id)
        self._telemetry.security_event(ClientUnblocked(client_id=client_id, user=user_tag(subject)))
