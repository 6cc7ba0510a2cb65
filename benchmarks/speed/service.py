"""``ciba-service serve`` with the door of the benchmark around it: ``service.py CONFIGURATION``."""

import asyncio
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvloop

from benchmarks.speed.door import BenchDoor
from ciba_service.app import Service, Surroundings, build_service
from ciba_service.commands.serving.serve import serve
from ciba_service.settings import Settings, load_settings
from ciba_service.store_access import OpenStore
from ciba_service.telemetry import configure_logging
from ciba_service.wiring.service_keys import ServiceKeys

__all__ = ["build_with_door"]


def build_with_door(
    settings: Settings, store: OpenStore, keys: ServiceKeys, surroundings: Surroundings
) -> Service:
    """The whole service, and the door around it."""
    service = build_service(settings, store, keys, surroundings)
    door = BenchDoor(
        service,
        callback_delay=settings.delivery.callback_delay_ms,
        issuer=settings.server.issuer,
    )
    return replace(service, app=door)


def main() -> None:
    """As ``ciba_service.cli`` runs it."""
    read = partial(load_settings, Path(sys.argv[1]))
    settings = read()
    configure_logging(settings.server.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, read, build_with_door))


if __name__ == "__main__":
    main()
