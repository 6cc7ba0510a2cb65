"""Goes through the steps of a scenario, and says of each what came of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from authenticator_sim.core.deciding.challenges import VerifiedChallenge
from authenticator_sim.errors import UsageError
from authenticator_sim.ports import Clock as Time
from authenticator_sim.scenario.decisions import Forger, altered
from authenticator_sim.scenario.phone import Answer, ScenarioPhone
from authenticator_sim.scenario.report import Finished, StepDone, Timeline
from authenticator_sim.scenario.steps import (
    Approve,
    Clock,
    Deny,
    Expect,
    Expire,
    Look,
    Offline,
    Outcome,
    Pause,
    PhoneName,
    Race,
    Request,
    Resend,
    Scenario,
    Step,
)
from ciba_service.sca.messages import Decide

__all__ = ["Actor", "Play", "meets"]

_LOOK_EVERY: Final = 0.5
_REFUSED: Final = frozenset(
    {
        Outcome.FACTORS,
        Outcome.LOCKED,
        Outcome.PAUSED,
        Outcome.NOT_OPEN,
        Outcome.INVALID_DECISION,
        Outcome.REJECTED,
        Outcome.REVOKED,
    }
)


@dataclass(frozen=True, slots=True)
class Actor:
    """A phone, and who makes its decisions."""

    phone: ScenarioPhone
    forger: Forger


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision that was made, by whichever phone, for a transaction."""

    decide: Decide
    transaction_id: str


@dataclass(frozen=True, slots=True)
class _Result:
    did: str
    answer: Answer
    phone: PhoneName
    transaction_id: str | None = None


class Play:
    """One run of one scenario."""

    def __init__(
        self, actors: Mapping[PhoneName, Actor], *, clock: Time, timeline: Timeline
    ) -> None:
        """Cast the phones."""
        self._actors = actors
        self._clock = clock
        self._timeline = timeline
        self._began_at = clock.now_ms()
        self._requests: list[VerifiedChallenge] = []
        self._made: list[_Made] = []

    async def run(self, scenario: Scenario) -> bool:
        """Play it to its end; true when all was as expected.

        Raises:
            UsageError: A step names a phone, request or decision that there is not.
            PhoneError: The service cannot be asked.
        """
        good = True
        for number, step in enumerate(scenario.steps, start=1):
            results = await self._play(step)
            as_expected = None
            if step.expect is not None:
                as_expected = meets(step.expect, [each.answer.outcome for each in results])
                good = good and as_expected
            for result in results:
                self._tell(number, step, result, as_expected=as_expected)
        self._timeline.tell(Finished(good, len(scenario.steps)))
        return good

    async def _play(self, step: Step) -> Sequence[_Result]:
        match step:
            case Approve() | Deny():
                return await self._decide(step)
            case Resend():
                made = self._decision(step)
                return [await self._send(step.phone, made, f"decision {step.decision or 'again'}")]
            case Race():
                return await self._race(step)
            case _:
                return [await self._wait(step)]

    async def _wait(self, step: Request | Look | Pause | Offline | Expire | Clock) -> _Result:
        outcome = Outcome.DONE
        match step:
            case Request():
                outcome = await self._request(step)
            case Look():
                outcome = await self._look(step)
            case Pause() | Offline():
                await self._clock.sleep(step.seconds)
            case Expire():
                await self._clock.sleep(self._seconds_left(self._challenge(None)))
            case Clock():
                self._actor(step.phone).phone.seconds_ahead = step.ahead
        if isinstance(step, Offline):
            await self._actor(step.phone).phone.fetch()
        name = self._requests[-1].transaction_id if self._requests else None
        return _Result(type(step).__name__.lower(), Answer(outcome), step.phone, name)

    async def _request(self, step: Request) -> Outcome:
        phone = self._actor(step.phone).phone
        until = self._clock.now_ms() + int(step.within * 1000)
        while True:
            met = {challenge.transaction_id for challenge in self._requests}
            new = [each for each in await phone.fetch() if each.transaction_id not in met]
            if new:
                self._requests.append(new[0])
                return Outcome.SHOWN
            if self._clock.now_ms() >= until:
                return Outcome.NOTHING
            await self._clock.sleep(_LOOK_EVERY)

    async def _look(self, step: Look) -> Outcome:
        meant = self._challenge(step.request).transaction_id
        open_now = await self._actor(step.phone).phone.fetch()
        is_open = any(each.transaction_id == meant for each in open_now)
        return Outcome.OPEN if is_open else Outcome.GONE

    async def _decide(self, step: Approve | Deny) -> Sequence[_Result]:
        results: list[_Result] = []
        for _ in range(step.times if isinstance(step, Approve) else 1):
            made = await self._make(step)
            did = _described(step)
            if not step.send:
                unsent = Answer(Outcome.NOT_SENT)
                results.append(_Result(did, unsent, step.phone, made.transaction_id))
                continue
            results += [await self._send(step.phone, made, did) for _ in range(step.copies)]
        return results

    async def _race(self, race: Race) -> Sequence[_Result]:
        runners = [
            (step, self._decision(step) if isinstance(step, Resend) else await self._make(step))
            for step in race.between
        ]
        return await asyncio.gather(
            *(self._send(step.phone, made, f"race: {_described(step)}") for step, made in runners)
        )

    async def _make(self, step: Approve | Deny) -> _Made:
        actor = self._actor(step.phone)
        challenge = self._challenge(step.request)
        now_ms = actor.phone.now_ms()
        signed = self._signed_hash(step, challenge)
        forger = actor.forger
        if isinstance(step, Approve):
            decide = forger.approval(challenge, step, signed_hash=signed, now_ms=now_ms)
        else:
            decide = forger.denial(challenge, step, signed_hash=signed, now_ms=now_ms)
        made = _Made(decide, challenge.transaction_id)
        self._made.append(made)
        return made

    async def _send(self, phone: PhoneName, made: _Made, did: str) -> _Result:
        answer = await self._actor(phone).phone.decide(made.decide)
        return _Result(did, answer, phone, made.transaction_id)

    def _signed_hash(self, step: Approve | Deny, challenge: VerifiedChallenge) -> str | None:
        match step.hash_of:
            case None:
                return None
            case int(other):
                return self._challenge(other).digest
            case _:
                return altered(challenge)

    def _actor(self, name: PhoneName) -> Actor:
        actor = self._actors.get(name)
        if actor is None:
            raise UsageError("This scenario needs a second phone: give --second-state DIR.")
        return actor

    def _challenge(self, number: int | None) -> VerifiedChallenge:
        try:
            return self._requests[-1 if number is None else number - 1]
        except IndexError:
            raise UsageError("The scenario speaks of a request that has not come.") from None

    def _decision(self, step: Resend) -> _Made:
        try:
            return self._made[-1 if step.decision is None else step.decision - 1]
        except IndexError:
            raise UsageError("The scenario resends a decision that was not made.") from None

    def _seconds_left(self, challenge: VerifiedChallenge) -> float:
        # The phone is told whole seconds, rounded down; the service expires to the millisecond.
        return max(0.0, challenge.content.exp + 1 - self._clock.now_ms() / 1000)

    def _tell(self, number: int, step: Step, result: _Result, *, as_expected: bool | None) -> None:
        self._timeline.tell(
            StepDone(
                number=number,
                seconds=round((self._clock.now_ms() - self._began_at) / 1000, 1),
                phone=result.phone,
                did=result.did,
                outcome=result.answer.outcome,
                transaction_id=result.transaction_id,
                attempts_left=result.answer.attempts_left,
                expected=step.expect,
                as_expected=as_expected,
            )
        )


def meets(expect: Expect, outcomes: Sequence[Outcome]) -> bool:
    """Whether a step came to what was expected, each of its decisions on its own."""
    match expect:
        case Expect.ONE_ACCEPTED:
            others = [outcome for outcome in outcomes if outcome is not Outcome.ACCEPTED]
            return len(others) == len(outcomes) - 1 and _REFUSED.issuperset(others)
        case Expect.REFUSED:
            return _REFUSED.issuperset(outcomes)
        case _:
            return all(outcome.value == expect.value for outcome in outcomes)


def _described(step: Approve | Deny | Resend) -> str:
    if isinstance(step, Resend):
        return "decision again"
    pin = "wrong PIN" if isinstance(step, Approve) and step.pin == "wrong" else ""
    key = "stale key" if step.key == "stale" else ""
    passkey = _passkey_use(step.passkey) if isinstance(step, Approve) else ""
    said = (pin, passkey, key, _hash_oddity(step.hash_of))
    oddities = ", ".join(oddity for oddity in said if oddity)
    verb = "approve" if isinstance(step, Approve) else f"deny ({step.reason})"
    return f"{verb} ({oddities})" if oddities else verb


def _passkey_use(use: str | None) -> str:
    return {None: "", "right": "passkey", "unverified": "passkey touched"}.get(use, "old count")


def _hash_oddity(hash_of: str | int | None) -> str:
    match hash_of:
        case None:
            return ""
        case int():
            return "another challenge"
        case _:
            return "altered challenge"
