"""Under which licences the pinned dependencies stand: none but those of a closed list."""

import re
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Final

__all__ = ["ALLOWED", "forbidden_licences", "licence_of", "locked"]

ALLOWED: Final = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MIT-CMU"),
        *("MPL-2.0", "PSF-2.0", "Unlicense"),
    }
)
"""SPDX identifiers: permissive, public domain, or with copyleft for their own files only."""

# What packages say that do not speak SPDX yet, in their classifiers.
_CLASSIFIED: Final = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_OPERATOR: Final = re.compile(r"\s+(?:OR|AND)\s+|[()]")


def locked(lock: Path) -> list[tuple[str, str]]:
    """Name and version of every package in a lock."""
    return [(name, version) for name, version in _PIN.findall(lock.read_text("utf-8"))]


def licence_of(name: str) -> str | None:
    """The licence of an installed package, as an SPDX expression where it says so; else None."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return None
    expression = _said(said, "License-Expression") or " OR ".join(_classified(said))
    return expression or _said(said, "License") or "unknown"


def forbidden_licences(lock: Path) -> list[str]:
    """A line for each installed package of a lock that stands under another licence."""
    found = ((name, licence_of(name)) for name, _ in locked(lock))
    return [
        f"{name}: the licence is not allowed: {licence}"
        for name, licence in found
        if licence is not None and not set(filter(None, _OPERATOR.split(licence))) <= ALLOWED
    ]


def _said(said: PackageMetadata, name: str) -> str:
    return said[name] if name in said else ""  # noqa: SIM401 - it has no get before 3.12


def _classified(said: PackageMetadata) -> Iterator[str]:
    for classifier in said.get_all("Classifier") or ():
        kind, _, name = classifier.rpartition(" :: ")
        if kind.startswith("License") and name in _CLASSIFIED:
            yield _CLASSIFIED[name]
