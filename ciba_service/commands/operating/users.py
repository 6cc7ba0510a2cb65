"""``ciba-service users``: list, activation codes, unlock, reset."""

import sys

import msgspec

from ciba_service.commands.opening import open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import operator_write
from ciba_service.commands.operating.phone_steps import phone_steps
from ciba_service.commands.outcome import CommandFailed, print_rows, require_user
from ciba_service.commands.qr_code import qr_code_for
from ciba_service.flow.operators.unlocking import Unlocking
from ciba_service.flow.operators.user_reset import UserReset
from ciba_service.flow.operators.user_summaries import UserSummaries
from ciba_service.flow.phones.activation import Activations, HasPhone, IssuedCode
from ciba_service.ports import Telemetry
from ciba_service.sca.phones.devices import user_tag
from ciba_service.settings import Settings
from ciba_service.wiring.stores import Stores

__all__ = ["activate_user", "list_users", "reset_user", "unlock_user"]


class _ActivationRow(msgspec.Struct, frozen=True, omit_defaults=True):
    sub: str
    activation_code: str
    expires_in: int
    second_secret: str = ""
    needs_approval: bool = False
    link: str = ""


async def list_users(settings: Settings, *, as_json: bool) -> None:
    """Print every configured user with phones and attempts."""
    async with open_stores(settings) as stores:
        summaries = UserSummaries(
            devices=stores.devices,
            attempts=stores.attempts,
            attempt_limit=settings.limits.failed_attempts,
        )
        rows = [await summaries.of(user.sub, enabled=user.enabled) for user in settings.users]
    print_rows(rows, as_json=as_json)


async def activate_user(
    settings: Settings, subject: str, *, additional: bool, as_json: bool
) -> None:
    """Make an activation code and a second secret, to be handed over by two different ways.

    Raises:
        CommandFailed: when there is no such user, or the user has a phone and ``additional`` is
            not set: a further phone waits for approval on one the user has (PSD2 RTS art. 24).
    """
    require_user(settings, subject)
    async with (
        open_stores(settings) as stores,
        operator_write(settings, stores, "users activate", user=user_tag(subject)) as telemetry,
    ):
        try:
            issued = await _activations(settings, stores, telemetry).issue(
                subject, further=additional, with_second_secret=settings.device.second_secret
            )
        except HasPhone as error:
            raise CommandFailed(
                f"{subject} has a phone; --additional makes a code for a further one"
            ) from error
    _hand_over(subject, issued, as_json=as_json)


async def reset_user(settings: Settings, subject: str, *, as_json: bool) -> None:
    """Revoke every phone, forget failed attempts, and make a code for a first phone.

    Raises:
        CommandFailed: when there is no such user, or a phone was enrolled in the meantime.
    """
    require_user(settings, subject)
    async with (
        open_stores(settings) as stores,
        operator_write(settings, stores, "users reset", user=user_tag(subject)) as telemetry,
    ):
        steps = phone_steps(stores, telemetry)
        reset = UserReset(
            devices=stores.devices,
            revocation=steps.revocation,
            approval=steps.approval,
            unlocking=Unlocking(attempts=stores.attempts, telemetry=telemetry),
            activations=_activations(settings, stores, telemetry),
        )
        try:
            issued = await reset.reset(subject)
        except HasPhone as error:
            raise CommandFailed(f"a phone of {subject} was enrolled just now: try again") from error
    _hand_over(subject, issued, as_json=as_json)


def _activations(settings: Settings, stores: Stores, telemetry: Telemetry) -> Activations:
    surroundings = system_surroundings()
    return Activations(
        activations=stores.activations,
        devices=stores.devices,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=telemetry,
        phone_url=settings.device.phone_url,
    )


def _hand_over(subject: str, issued: IssuedCode, *, as_json: bool) -> None:
    second = issued.second_secret
    row = _ActivationRow(
        subject, issued.code, issued.expires_in, second or "", issued.further, issued.link or ""
    )
    if as_json:
        sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    sys.stdout.write(f"activation code  {issued.code}  (single use, ten minutes)\n")
    if issued.link is not None:
        sys.stdout.write(f"link             {issued.link}\n")
        sys.stdout.write(qr_code_for(sys.stdout, issued.link))
    if second is not None:
        sys.stdout.write(f"second secret    {second}  (hand it over another way)\n")
    if issued.further:
        sys.stdout.write("The phone then waits until the user approves it on one that is there.\n")


async def unlock_user(settings: Settings, subject: str) -> None:
    """Forget failed attempts; raises ``CommandFailed`` when there is no such user."""
    require_user(settings, subject)
    async with (
        open_stores(settings) as stores,
        operator_write(settings, stores, "users unlock", user=user_tag(subject)) as telemetry,
    ):
        unlocking = Unlocking(attempts=stores.attempts, telemetry=telemetry)
        await unlocking.unlock(subject)
    sys.stdout.write(f"{subject} is unlocked\n")
