"""Activation codes: made by the operator for a user's phone, or preset in development."""

from dataclasses import dataclass, field

from ciba_service.ports import (
    Activation,
    ActivationStore,
    Clock,
    DeviceStore,
    Randomness,
    Telemetry,
)
from ciba_service.protocol.security_events.kinds import ActivationIssued
from ciba_service.sca.factors.activation import (
    ACTIVATION_LIFETIME_MS,
    activation_link,
    new_activation_code,
    new_second_secret,
    normal_code,
)
from ciba_service.sca.phones.devices import user_tag

__all__ = ["Activations", "HasPhone", "IssuedCode"]


class HasPhone(Exception):
    """The user has a phone, and the code was not to be for a further one."""


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """What to hand over, the two by different ways; ``expires_in`` is in seconds.

    A ``further`` phone waits for approval on one the user has. ``link`` opens the web phone with
    the code, where there is one.
    """

    code: str = field(repr=False)
    second_secret: str | None = field(repr=False)
    expires_in: int
    further: bool = False
    link: str | None = field(repr=False, default=None)


class Activations:
    """Makes codes; ``phone_url`` is where the web phone is."""

    def __init__(
        self,
        *,
        activations: ActivationStore,
        devices: DeviceStore,
        random: Randomness,
        clock: Clock,
        telemetry: Telemetry,
        phone_url: str | None = None,
    ) -> None:
        self._phone_url = phone_url
        self._activations = activations
        self._devices = devices
        self._random = random
        self._clock = clock
        self._telemetry = telemetry

    async def issue(self, subject: str, *, further: bool, with_second_secret: bool) -> IssuedCode:
        """Make a code; that for a ``further`` phone is one for a first phone if there is none.

        Raises:
            HasPhone: when the user has a phone and ``further`` is not set.
        """
        has_phone = bool(await self._devices.list(user_tag(subject)))
        if has_phone and not further:
            raise HasPhone
        code, url = new_activation_code(self._random), self._phone_url
        issued = IssuedCode(
            code=code,
            second_secret=new_second_secret(self._random) if with_second_secret else None,
            expires_in=ACTIVATION_LIFETIME_MS // 1000,
            further=has_phone,
            link=None if url is None else activation_link(url, code),
        )
        await self._activations.put(
            normal_code(code),
            Activation(subject, has_phone),
            issued.second_secret,
            until=self._clock.now_ms() + ACTIVATION_LIFETIME_MS,
        )
        self._telemetry.event("activation_issued", user=user_tag(subject), further=has_phone)
        self._telemetry.security_event(ActivationIssued(user=user_tag(subject), further=has_phone))
        return issued

    async def invite(self, subject: str, *, code: str, until: int) -> None:
        """Store the code that a phone ordered for the next one of its user, until that instant."""
        await self._activations.put(
            normal_code(code), Activation(subject, further=True), None, until=until
        )
        self._telemetry.event("activation_ordered", user=user_tag(subject))
        self._telemetry.security_event(ActivationIssued(user=user_tag(subject), further=True))

    async def preset(self, subject: str, code: str) -> None:
        """Store a code of the configuration, good for a first phone, once and for ever."""
        await self._activations.put(
            normal_code(code), Activation(subject, further=False), None, until=None
        )
