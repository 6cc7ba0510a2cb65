"""``POST /device/messages``: the device protocol without a socket."""

from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar, Final

import msgspec
from starlette.types import Scope, Send

from ciba_service.endpoints.answers import respond
from ciba_service.endpoints.body import BodyPolicy, header
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.flow.deciding.conversation import Conversation, PhoneMessage
from ciba_service.flow.phones.device_sessions import DeviceSessions
from ciba_service.listening.peer import peer_address
from ciba_service.ports import Telemetry
from ciba_service.protocol.errors import (
    InvalidDeviceProofError,
    InvalidRequestError,
    OAuth2Error,
    Reason,
    RevokedDeviceError,
    UnapprovedDeviceError,
)
from ciba_service.sca.decision import InvalidDecisionError
from ciba_service.sca.messages import (
    LARGEST_FRAME,
    Authenticate,
    MessageExchange,
    body_hash,
    decode_device_message,
)
from ciba_service.sca.phones.devices import DeviceNotApproved, DeviceRevoked
from ciba_service.sca.phones.orders import InvalidOrderError

__all__ = ["DeviceMessagesEndpoint"]

_OK: Final = 200
_SCHEME: Final = b"device "
_CHALLENGE: Final = ((b"www-authenticate", b"Device"),)


class DeviceMessagesEndpoint(PostEndpoint):
    """One message of a phone, and the frames a socket would have carried."""

    body: ClassVar = BodyPolicy("application/json", limit=LARGEST_FRAME, seconds=10.0)

    def __init__(
        self,
        sessions: DeviceSessions,
        conversation: Conversation,
        new_operation: Callable[[], str],
        telemetry: Telemetry,
    ) -> None:
        super().__init__(telemetry)
        self._sessions = sessions
        self._conversation = conversation
        self._new_operation = new_operation

    async def answer(self, scope: Scope, body: bytes, send: Send) -> None:
        """Authenticate the phone by its proof over this body, then answer its message."""
        proof = _proof(header(scope, b"authorization"))
        message = _message(body)
        try:
            device = await self._sessions.authenticate(
                proof,
                body_hash=body_hash(body),
                operation=self._new_operation(),
                peer=peer_address(scope),
            )
            replies = await self._conversation.replies(device, message)
        except DeviceRevoked:
            raise RevokedDeviceError from Reason("the phone is not enrolled")
        except DeviceNotApproved:
            raise UnapprovedDeviceError from Reason("the phone waits for approval")
        except (InvalidDecisionError, InvalidOrderError) as error:
            raise InvalidRequestError from Reason(str(error))
        await respond(send, _OK, MessageExchange(tuple(replies)))

    def challenge(self, scope: Scope, error: OAuth2Error) -> tuple[tuple[bytes, bytes], ...]:  # noqa: ARG002 - every 401 has it
        """RFC 9110 15.5.2: a 401 names the scheme to use."""
        return _CHALLENGE if error.status_code == HTTPStatus.UNAUTHORIZED else ()


def _proof(authorization: bytes | None) -> str:
    if authorization is None or authorization[: len(_SCHEME)].lower() != _SCHEME:
        raise InvalidDeviceProofError from Reason("the Authorization header is missing")
    return authorization[len(_SCHEME) :].decode("latin-1").strip()


def _message(body: bytes) -> PhoneMessage:
    try:
        message = decode_device_message(body)
    except msgspec.DecodeError as error:
        raise InvalidRequestError from Reason(str(error))
    if isinstance(message, Authenticate):
        raise InvalidRequestError from Reason("authenticate is for sockets")
    return message
