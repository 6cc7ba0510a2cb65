"""``python -m tools.sbom``: what the service is made of, as CycloneDX 1.6, from the hashed lock."""

import re
import sys
import uuid
from pathlib import Path
from typing import Final

import msgspec

from tools.licences import licence_of

__all__ = ["bill_of_materials", "main"]

_ROOT: Final = Path(__file__).parents[1]
_LOCK: Final = _ROOT / "requirements" / "runtime.txt"
_TARGET: Final = _ROOT / "build" / "sbom.cdx.json"
_PINNED: Final = re.compile(
    r"^([A-Za-z0-9._-]+)==([^ ;\\\n]+)[^\n]*((?:\n    --hash=sha256:[0-9a-f]{64}[ \\]*)+)",
    re.MULTILINE,
)
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")


class _Licence(msgspec.Struct, frozen=True):
    expression: str


class _Property(msgspec.Struct, frozen=True):
    name: str
    value: str


class Component(msgspec.Struct, frozen=True, rename={"bom_ref": "bom-ref"}, kw_only=True):
    """One package; ``properties`` are the hashes of all its files that may be installed."""

    type: str = "library"
    bom_ref: str
    name: str
    version: str
    purl: str
    licenses: tuple[_Licence, ...] = ()
    properties: tuple[_Property, ...] = ()


class BillOfMaterials(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The document."""

    bom_format: str = "CycloneDX"
    spec_version: str = "1.6"
    serial_number: str
    version: int = 1
    components: tuple[Component, ...]


def bill_of_materials(lock: str) -> BillOfMaterials:
    """The bill of a lock: the same for the same lock, so that two can be compared."""
    components = tuple(_component(*found) for found in _PINNED.findall(lock))
    name = uuid.uuid5(uuid.NAMESPACE_URL, lock)
    return BillOfMaterials(serial_number=f"urn:uuid:{name}", components=components)


def main() -> int:
    """Write it to build/sbom.cdx.json."""
    bill = bill_of_materials(_LOCK.read_text("utf-8"))
    _TARGET.parent.mkdir(exist_ok=True)
    _TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(bill)) + b"\n")
    sys.stdout.write(f"{_TARGET.relative_to(_ROOT)}: {len(bill.components)} components\n")
    return 0


def _component(name: str, version: str, hashes: str) -> Component:
    purl = f"pkg:pypi/{name.lower()}@{version}"
    licence = licence_of(name)
    return Component(
        bom_ref=purl,
        name=name,
        version=version,
        purl=purl,
        licenses=() if licence in {None, "unknown"} else (_Licence(str(licence)),),
        properties=tuple(
            _Property("ciba-service:sha256", digest) for digest in _DIGEST.findall(hashes)
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
