"""The program of a worker: ``worker NUMBER CHANNEL ADDRESSES``, started by its parent alone.

It is given open descriptors: one end of the channel, and sockets that listen already.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from typing import Final

import uvloop

from ciba_service.app import build_service
from ciba_service.commands.opening import existing_keys, opened_store, system_surroundings
from ciba_service.commands.outcome import CommandFailed
from ciba_service.commands.serving.bound_addresses import BoundAddresses
from ciba_service.commands.serving.serve import ServiceBuilder, Ties, serve_on
from ciba_service.commands.workers.channel import ParentChannel, ParentGone
from ciba_service.settings import InvalidSettingsError, Settings, checked_settings
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.telemetry import configure_logging

__all__ = ["main"]

_DONE: Final = 0
_FAILED: Final = 1


class _Documents:
    """The configuration that the parent began with, and the one that it accepted last."""

    def __init__(self, first: str, text: str) -> None:
        self._first = first
        self.text = text

    @property
    def is_changed(self) -> bool:
        """Whether the last is another one."""
        return self.text != self._first

    def first_settings(self) -> Settings:
        """What is not reloaded; raises ``InvalidSettingsError``.

        Where the clients are those of the last, files of the first ones may be gone.
        """
        return checked_settings(self._first, with_clients=not self.is_changed)

    def settings(self) -> Settings:
        """The last; it was good when the parent read it; raises ``InvalidSettingsError``."""
        return checked_settings(self.text)


def main(arguments: Sequence[str], build: ServiceBuilder = build_service) -> int:
    """Serve until told to stop, or until the parent has gone; returns the exit status."""
    number, descriptor, words = arguments
    channel = ParentChannel(int(descriptor))
    addresses = BoundAddresses.inherited(words)
    try:
        documents = _Documents(channel.document(), channel.document())
        settings = documents.first_settings()
        configure_logging(settings.server.log_level, worker=int(number))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(channel, documents, settings, addresses, build))
    except (CommandFailed, InvalidSettingsError) as error:
        sys.stderr.write(f"ciba-service: {error}\n")
        return _FAILED
    except ParentGone:
        return _FAILED
    return _DONE


async def _work(
    channel: ParentChannel,
    documents: _Documents,
    settings: Settings,
    addresses: BoundAddresses,
    build: ServiceBuilder,
) -> None:
    surroundings = system_surroundings()

    def follow(reload: Callable[[], None], end: Callable[[], None]) -> Callable[[], None]:
        def take(text: str) -> None:
            documents.text = text
            reload()

        channel.follow(asyncio.get_running_loop(), on_document=take, on_gone=end)
        return lambda: None  # The parent is who reads the configuration.

    keys = CurrentKeys(existing_keys(settings))
    async with opened_store(settings, own=False) as store:
        service = build(settings, store, keys, surroundings)
        if documents.is_changed:
            service.reload(documents.settings())
        await serve_on(
            addresses,
            service,
            settings,
            read_anew=documents.settings,
            surroundings=surroundings,
            ties=Ties(channel.ready, follow),
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
