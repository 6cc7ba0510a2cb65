"""The files of configuration: sections, keys, their types and defaults."""

import re
from collections.abc import Iterator
from typing import Final, get_args

import msgspec

from ciba_client.client_file import ClientFile
from ciba_service.protocol.request.authorization_details import TypeDeclaration
from ciba_service.settings import reading
from ciba_service.settings.sections import ClientSettings
from tools.public_surface.section import Section

__all__ = ["configuration_sections"]

_PATH: Final = re.compile(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")
_READ_ONE_BY_ONE: Final = {
    "clients": ClientSettings,
    "authorization_details_types": TypeDeclaration,
}
"""What the document keeps as it is, since a fault in it is told with its name."""


def configuration_sections() -> list[Section]:
    """Every key with its section, of the service's file and of ``ciba-client``'s."""
    document = reading.Document
    return [
        Section(("configuration",), dict(_keys(document, ""))),
        Section(("configuration_of_clients",), dict(_keys(ClientFile, ""))),
    ]


def _keys(section: type[msgspec.Struct], prefix: str) -> Iterator[tuple[str, list[str]]]:
    for field in msgspec.structs.fields(section):
        name = f"{prefix}{field.encode_name}"
        inner = _struct_in(_READ_ONE_BY_ONE.get(name, field.type))
        if inner is not None and not name.startswith("clients."):
            yield from _keys(inner, f"{name}.")
        else:
            yield name, [f"{_type(field.type)}{_default(field)}"]


def _struct_in(annotation: object) -> type[msgspec.Struct] | None:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    return next((found for each in get_args(annotation) if (found := _struct_in(each))), None)


def _type(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return _PATH.sub("", text)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        return f" = {field.default!r}"
    if field.default_factory is not msgspec.NODEFAULT:
        return f" = {field.default_factory()!r}"
    return ""
