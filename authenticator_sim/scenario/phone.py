"""A phone of a scenario: over HTTPS, one signed message and its answer at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from posixpath import basename
from typing import Final
from urllib.parse import urljoin

import msgspec

from authenticator_sim.connection.http import HttpAnswer, HttpClient
from authenticator_sim.core.deciding.challenges import (
    ChallengeRefused,
    VerifiedChallenge,
    verify_challenge,
)
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.identity.sessions import new_session_proof
from authenticator_sim.errors import ServiceUnreachable, UntrustedService
from authenticator_sim.ports import Clock, RandomBytes
from authenticator_sim.scenario.steps import Outcome
from ciba_service.sca.messages import (
    Accepted,
    ChallengeOffered,
    Decide,
    DeviceMessage,
    DevicePath,
    Fetch,
    Hello,
    MessageExchange,
    RefusalReason,
    Refused,
    ServiceMessage,
    decode_service_message,
)

__all__ = ["Answer", "ScenarioPhone"]

_REFUSALS: Final[Mapping[RefusalReason, Outcome]] = {
    RefusalReason.FACTORS: Outcome.FACTORS,
    RefusalReason.LOCKED: Outcome.LOCKED,
    RefusalReason.PAUSED: Outcome.PAUSED,
    RefusalReason.NOT_OPEN: Outcome.NOT_OPEN,
    RefusalReason.INVALID_DECISION: Outcome.INVALID_DECISION,
    RefusalReason.UNAVAILABLE: Outcome.UNAVAILABLE,
}
_STATUSES: Final[Mapping[int, Outcome]] = {
    HTTPStatus.BAD_REQUEST: Outcome.REJECTED,
    HTTPStatus.UNAUTHORIZED: Outcome.REJECTED,
    HTTPStatus.FORBIDDEN: Outcome.REVOKED,
    HTTPStatus.SERVICE_UNAVAILABLE: Outcome.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service made of a decision."""

    outcome: Outcome
    attempts_left: int | None = None


class ScenarioPhone:
    """Says whatever it is told to say, and hears the answer."""

    def __init__(
        self, identity: DeviceIdentity, *, http: HttpClient, clock: Clock, random_bytes: RandomBytes
    ) -> None:
        self.identity = identity
        self.seconds_ahead = 0
        self._http = http
        self._clock = clock
        self._random_bytes = random_bytes
        self._nonce = urljoin(identity.messages, basename(DevicePath.NONCE))

    def now_ms(self) -> int:
        """Time by this phone's own clock, right or wrong."""
        return self._clock.now_ms() + self.seconds_ahead * 1000

    async def fetch(self) -> tuple[VerifiedChallenge, ...]:
        """Every open challenge that is genuine.

        Raises:
            ServiceUnreachable: The service does not answer, or not with what the protocol says.
            UntrustedService: It is another one.
        """
        answer = await self._send(Fetch())
        if answer.status != HTTPStatus.OK:
            raise ServiceUnreachable(f"The service answered with {answer.status}.")
        offered = (
            self._verified(message.challenge)
            for message in _messages(answer)
            if isinstance(message, ChallengeOffered)
        )
        return tuple(challenge for challenge in offered if challenge is not None)

    async def decide(self, decide: Decide) -> Answer:
        """Hand a decision in; raises as ``fetch``."""
        answer = await self._send(decide)
        if answer.status in _STATUSES:
            return Answer(_STATUSES[answer.status])
        for message in _messages(answer):
            match message:
                case Accepted():
                    return Answer(Outcome.ACCEPTED)
                case Refused():
                    return Answer(_REFUSALS[message.reason], message.attempts_left)
                case _:
                    pass
        raise ServiceUnreachable("The service answered with something else.")

    async def _send(self, message: DeviceMessage) -> HttpAnswer:
        greeting = await self._http.get(self._nonce)
        try:
            hello = decode_service_message(greeting.body)
        except msgspec.DecodeError as error:
            raise ServiceUnreachable("The service answered with something else.") from error
        if greeting.status != HTTPStatus.OK or not isinstance(hello, Hello):
            raise ServiceUnreachable(f"The service answered with {greeting.status}.")
        if hello.issuer != self.identity.issuer:
            raise UntrustedService("The service says it is another issuer.")
        body = msgspec.json.encode(message)
        proof = new_session_proof(
            self.identity,
            nonce=hello.nonce,
            now_ms=self.now_ms(),
            random_bytes=self._random_bytes,
            body=body,
        )
        return await self._http.post(self.identity.messages, body, authorization=f"Device {proof}")

    def _verified(self, token: str) -> VerifiedChallenge | None:
        try:
            return verify_challenge(token, identity=self.identity, now_ms=0)
        except ChallengeRefused:
            return None


def _messages(answer: HttpAnswer) -> tuple[ServiceMessage, ...]:
    if answer.status != HTTPStatus.OK:
        raise ServiceUnreachable(f"The service answered with {answer.status}.")
    try:
        return decode_json(answer.body, MessageExchange).messages
    except MalformedJson as error:
        raise ServiceUnreachable("The service answered with something else.") from error
