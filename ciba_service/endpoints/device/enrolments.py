"""``POST /device/enrolments`` (docs/device-protocol.md)."""

from typing import ClassVar, Final

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.body import BodyPolicy
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.flow.phones.enrolment import Enrolment
from ciba_service.listening.peer import peer_address
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import InvalidRequestError, Reason
from ciba_service.sca.messages import LARGEST_FRAME, EnrolmentRequest

__all__ = ["EnrolmentEndpoint"]

_CREATED: Final = 201


class EnrolmentEndpoint(PostEndpoint):
    """Enrols a phone."""

    body: ClassVar = BodyPolicy("application/json", limit=LARGEST_FRAME, seconds=10.0)

    def __init__(self, enrolment: Enrolment, telemetry: Telemetry) -> None:
        super().__init__(telemetry)
        self._enrolment = enrolment

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Enrol and answer with what the phone needs."""
        try:
            request = msgspec.json.decode(body, type=EnrolmentRequest)
        except (ValueError, RecursionError) as error:  # of JSON or UTF-8, or nested without end
            raise InvalidRequestError from Reason(str(error))
        answer = await self._enrolment.enrol(request.enrolment, peer=peer_address(scope))
        await respond(send, _CREATED, answer)
