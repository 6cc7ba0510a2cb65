"""What shows while the service runs, and what it leaves behind: metrics, events, formats."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

import ciba_service
from ciba_service.metrics.families import Described, Families
from ciba_service.protocol.security_events.kinds import KINDS, kind_of
from tools.public_surface.section import Section

__all__ = ["running_sections"]

_SERVICE: Final = Path(ciba_service.__file__).parent
_TELLS: Final = frozenset({"event", "failure"})


def running_sections() -> list[Section]:
    """Metrics, log events, security events, formats of records."""
    modules = {path: ast.parse(path.read_bytes()) for path in sorted(_SERVICE.rglob("*.py"))}
    return [
        Section(("metrics",), {each.name: _metric(each) for each in Families().described}),
        Section(("log_events",), dict.fromkeys(_events(modules), ())),
        Section(("security_events",), {kind_of(kind): _fields(kind) for kind in KINDS}),
        Section(("record_formats",), dict(_formats(modules))),
    ]


def _metric(family: Described) -> list[str]:
    return [" ".join((family.type, *family.labels))]


def _events(modules: Mapping[Path, ast.Module]) -> Iterator[str]:
    """The first argument of whatever is called ``event`` or ``failure``."""
    for module in modules.values():
        for node in ast.walk(module):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr=called), args=[ast.Constant(value=str(name)), *_]
                ) if called in _TELLS:
                    yield name
                case _:
                    pass


def _fields(kind: type[msgspec.Struct]) -> list[str]:
    return [" ".join(field.encode_name for field in msgspec.structs.fields(kind))]


def _formats(modules: Mapping[Path, ast.Module]) -> Iterator[tuple[str, list[str]]]:
    """The constants of ``stores`` whose name ends in ``FORMAT``, by the name of their file."""
    for path, module in modules.items():
        for node in module.body:
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=number)) if (
                    name.endswith("FORMAT") and path.is_relative_to(_SERVICE / "stores")
                ):
                    yield path.stem, [str(number)]
                case _:
                    pass
