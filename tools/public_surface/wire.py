"""What goes over the wire: HTTP endpoints, error codes, the device protocol."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec
from authlib.oauth2.base import OAuth2Error

from ciba_service.protocol import errors
from ciba_service.sca import messages
from tools.device_schema import PHONE_MESSAGES, SERVICE_MESSAGES
from tools.openapi import OPERATOR_SOURCE, SOURCE
from tools.public_surface.section import Section
from tools.yaml_files import read_yaml

__all__ = ["wire_sections"]

_METHODS: Final = frozenset({"get", "post", "put", "delete", "patch"})


def wire_sections() -> list[Section]:
    """Clients' endpoints, operators' endpoints, error codes, the protocol of phones."""
    return [
        Section(("http",), dict(_endpoints(SOURCE))),
        Section(("http_of_operators",), dict(_endpoints(OPERATOR_SOURCE))),
        Section(("errors",), _errors()),
        Section(("device_protocol",), dict(_device_protocol())),
    ]


def _endpoints(source: Path) -> Iterator[tuple[str, list[str]]]:
    document: dict[str, Any] = read_yaml(source)
    for path, operations in document["paths"].items():
        for method in _METHODS & operations.keys():
            statuses = sorted(map(str, operations[method]["responses"]))
            yield f"{method.upper()} {path}", [" ".join(statuses)]


def _errors() -> dict[str, list[str]]:
    statuses: dict[str, set[str]] = {}
    for name in errors.__all__:
        error = getattr(errors, name)
        if isinstance(error, type) and issubclass(error, OAuth2Error) and error.error:
            statuses.setdefault(error.error, set()).add(str(int(error.status_code)))
    return {code: [" ".join(sorted(found))] for code, found in statuses.items()}


def _device_protocol() -> Iterator[tuple[str, list[str]]]:
    for name in messages.__all__:
        value = getattr(messages, name)
        if isinstance(value, type) and issubclass(value, Enum):
            yield name, [f"{each.name} = {each.value}" for each in value]
        elif isinstance(value, type) and issubclass(value, msgspec.Struct):
            yield name, list(_members(value))
        elif isinstance(value, str | int):
            yield name, [str(value)]


def _members(frame: type[msgspec.Struct]) -> Iterator[str]:
    if frame in SERVICE_MESSAGES or frame in PHONE_MESSAGES:
        yield f"type {frame.__struct_config__.tag}"
    for field in msgspec.structs.fields(frame):
        yield field.encode_name if field.required else f"{field.encode_name} (optional)"
