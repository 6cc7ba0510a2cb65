"""SIGHUP: the configuration is read anew, and taken over only if all of it is good."""

import asyncio
from collections.abc import Callable

from ciba_service.commands.opening import existing_keys
from ciba_service.commands.outcome import CommandFailed
from ciba_service.ports import Telemetry
from ciba_service.settings import InvalidSettingsError, Settings
from ciba_service.wiring.running.reloading import Reloaded

__all__ = ["ConfigurationReload"]


class ConfigurationReload:
    """Reads and applies when it is asked to; asked again meanwhile, it does it once more."""

    def __init__(
        self,
        read: Callable[[], Settings],
        apply: Callable[[Settings], Reloaded | None],
        telemetry: Telemetry,
    ) -> None:
        """``read`` raises ``InvalidSettingsError``, and may take its time.

        ``apply`` says what it took over, or nothing where others will.
        """
        self._read = read
        self._apply = apply
        self._telemetry = telemetry
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Somebody has sent a hangup."""
        self._asked.set()

    async def run(self) -> None:
        """Wait for it until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._reload()

    async def _reload(self) -> None:
        try:
            settings = await asyncio.to_thread(self._checked)
        except (InvalidSettingsError, CommandFailed) as error:
            self._telemetry.failure("configuration_refused", error)
            return
        reloaded = self._apply(settings)
        if reloaded is None:
            return
        self._telemetry.event(
            "configuration_reloaded",
            clients=reloaded.clients,
            users=reloaded.users,
            operators=reloaded.operators,
            needs_restart=list(reloaded.needs_restart) or None,
        )

    def _checked(self) -> Settings:
        settings = self._read()
        existing_keys(settings)  # They can sign whatever the clients are to get.
        return settings
