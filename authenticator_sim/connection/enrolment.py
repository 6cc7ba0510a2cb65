"""``POST /device/enrolments``, sent again to the byte when its answer is lost."""

from http import HTTPStatus
from urllib.parse import urlsplit

from authenticator_sim.connection.addresses import require_protected
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.retry import with_retries
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.enrolment import PendingEnrolment
from authenticator_sim.errors import AddressRefused, EnrolmentRefused, ServiceUnreachable
from authenticator_sim.ports import Clock, RandomBytes
from ciba_service.sca.messages import DevicePath, EnrolmentAnswer

__all__ = ["send_enrolment"]


async def send_enrolment(
    pending: PendingEnrolment, *, http: HttpClient, clock: Clock, random_bytes: RandomBytes
) -> EnrolmentAnswer:
    """Hand in an enrolment.

    Raises:
        EnrolmentRefused: The activation code or the second secret was not accepted.
        ServiceUnreachable: No answer after several attempts, or one that is no answer.
        AddressRefused: The service names an address without TLS.
    """
    url = f"{pending.issuer}{DevicePath.ENROLMENTS}"

    async def attempt() -> EnrolmentAnswer:
        answer = await http.post(url, pending.body)
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise EnrolmentRefused(
                "The service did not accept the activation code or the second secret, "
                f"or its issuer is not {pending.issuer} to the letter."
            )
        if answer.status != HTTPStatus.CREATED:
            raise ServiceUnreachable(f"The service answered the enrolment with {answer.status}.")
        try:
            return decode_json(answer.body, EnrolmentAnswer)
        except MalformedJson as error:
            raise ServiceUnreachable("The service answered with something else.") from error

    enrolled = await with_retries(attempt, clock=clock, random_bytes=random_bytes)
    _require_scheme(enrolled.websocket, "ws")
    _require_scheme(enrolled.messages, "http")
    return enrolled


def _require_scheme(url: str, plain: str) -> None:
    if urlsplit(require_protected(url)).scheme not in {plain, f"{plain}s"}:
        raise AddressRefused("The service gave an address of another kind.")
