"""What an authenticated phone is answered, whichever way its message came."""

from ciba_service.flow.decision import Decisions
from ciba_service.flow.open_challenges import OpenChallenges
from ciba_service.sca.devices import user_tag_of
from ciba_service.sca.messages import Decide, Fetch, ServiceMessage

__all__ = ["Conversation"]


class Conversation:
    """Answers the messages of one phone after another."""

    def __init__(self, *, decisions: Decisions, challenges: OpenChallenges) -> None:
        self._decisions = decisions
        self._challenges = challenges

    async def replies(self, device_id: str, message: Fetch | Decide) -> list[ServiceMessage]:
        """The frames that answer ``message``.

        Raises:
            InvalidDecisionError, DeviceRevoked, StoreUnavailable: as ``Decisions.decide``.
        """
        if isinstance(message, Fetch):
            return await self.open_challenges(device_id)
        return [await self._decisions.decide(device_id, message.decision)]

    async def open_challenges(self, device_id: str) -> list[ServiceMessage]:
        """Every open challenge of the phone's user, then the list of them."""
        return await self._challenges.fetch(_tag(device_id))

    async def offer(self, device_id: str, transaction_id: str) -> ServiceMessage | None:
        """One challenge, if it is open."""
        return await self._challenges.find(_tag(device_id), transaction_id)


def _tag(device_id: str) -> str:
    tag = user_tag_of(device_id)
    if tag is None:
        raise AssertionError("an authenticated phone has the name of one")
    return tag
