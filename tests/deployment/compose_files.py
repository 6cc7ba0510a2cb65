"""docker-compose.yml and the file that makes it TLS, as Compose reads them."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """Knows the tags by which one file takes back what another says."""


for _tag in ("!override", "!reset"):
    _Loader.add_constructor(_tag, lambda loader, node: loader.construct_sequence(node))


def compose_file(name: str) -> dict[str, Any]:
    """A file of Compose; tags that say how it is merged are taken off."""
    text = (ROOT / name).read_text("utf-8")
    loaded: dict[str, Any] = yaml.load(text, _Loader)  # noqa: S506 - a safe one, two tags more
    return loaded


COMPOSE = compose_file("docker-compose.yml")
TLS = compose_file("deploy/compose.tls.yml")


def interpolated(text: str) -> str:
    """Where the environment says nothing: ``${NAME:-default}`` is its default."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def command_of(service: str, *, tls: bool = False) -> list[str]:
    """The arguments that a container is started with."""
    over = TLS["services"].get(service, {}) if tls else {}
    command: list[str] = over.get("command", COMPOSE["services"][service]["command"])
    return [interpolated(word) for word in command]


def environment_of(service: str) -> dict[str, str]:
    """What a container is told by its environment."""
    told: dict[str, str] = COMPOSE["services"][service]["environment"]
    return {name: interpolated(value) for name, value in told.items()}


def mounts(service: dict[str, Any]) -> list[list[str]]:
    """The volumes of a service as source, target and mode."""
    return [volume.split(":") for volume in service.get("volumes", ())]
