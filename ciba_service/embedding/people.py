"""What a host does for the people in its own directory, as operators do for configured users."""

from ciba_service.app import Stores
from ciba_service.commands.operating.phone_steps import phone_steps
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.phones.activation import Activations, IssuedCode
from ciba_service.settings import Settings
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["People"]


class People:
    """Codes for phones, and help for users who are locked out or have lost their phones.

    The host says who ``subject`` is, and has to be sure of it. Each method raises
    ``StoreUnavailable``; each is a security event.
    """

    def __init__(self, settings: Settings, stores: Stores, surroundings: Surroundings) -> None:
        telemetry = surroundings.telemetry
        self._with_second_secret = settings.device.second_secret
        self._activations = Activations(
            activations=stores.activations,
            devices=stores.devices,
            random=surroundings.random,
            clock=surroundings.clock,
            telemetry=telemetry,
            phone_url=settings.device.phone_url,
        )
        self._unlocking = Unlocking(attempts=stores.attempts, telemetry=telemetry)
        steps = phone_steps(stores, telemetry)
        self._reset = UserReset(
            devices=stores.devices,
            revocation=steps.revocation,
            approval=steps.approval,
            unlocking=self._unlocking,
            activations=self._activations,
        )

    async def activate(self, subject: str, *, further: bool = False) -> IssuedCode:
        """A code to enrol a phone with, for ten minutes.

        Raises:
            HasPhone: when the user has a phone and ``further`` is not set. A further phone waits
                until it is approved on one that is there.
        """
        return await self._activations.issue(
            subject, further=further, with_second_secret=self._with_second_secret
        )

    async def unlock(self, subject: str) -> None:
        """Give a user whose factors are locked all attempts back."""
        await self._unlocking.unlock(subject)

    async def reset(self, subject: str) -> IssuedCode:
        """Take every phone of a user away, and make a code for a first one.

        Raises:
            HasPhone: when a phone was enrolled in the meantime; done again it goes on.
        """
        return await self._reset.reset(subject)
