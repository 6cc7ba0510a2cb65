"""What the interoperability tests run on is pinned by hash, and no address is named."""

import json
import re
from pathlib import Path
from typing import Any

PLACE = Path(__file__).resolve().parents[2] / "interop"


def document(name: str) -> dict[str, Any]:
    """A JSON file of tests/interop."""
    return dict(json.loads((PLACE / name).read_text(encoding="utf-8")))


def test_the_lock_says_what_and_never_from_where():
    """Each package has a version and the hash of its file; npm is told to write no address."""
    packages = document("package-lock.json")["packages"]
    for name, entry in packages.items():
        if name:
            assert entry["integrity"].startswith("sha512-"), name
            assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"]), name
            assert "resolved" not in entry, name
    settings = (PLACE / ".npmrc").read_text(encoding="utf-8").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings


def test_the_lock_holds_what_is_asked_for():
    """package.json names exact versions, and the lock has them."""
    asked, packages = document("package.json"), document("package-lock.json")["packages"]
    for name, version in {**asked["dependencies"], **asked["optionalDependencies"]}.items():
        assert packages[f"node_modules/{name}"]["version"] == version
