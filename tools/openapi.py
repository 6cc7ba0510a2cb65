"""Writes docs/openapi.yaml as the JSON that the service serves, so that it needs no YAML to run.

``python -m tools.openapi`` does it; a test holds the one to the other.
"""

import json
from pathlib import Path
from typing import Final

import yaml

__all__ = ["SERVED", "SOURCE", "served_text"]

_ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = _ROOT / "docs" / "openapi.yaml"
SERVED: Final = _ROOT / "ciba_service" / "endpoints" / "openapi.json"


def served_text() -> str:
    """The document as JSON, one member a line."""
    document = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    SERVED.write_text(served_text(), encoding="utf-8")
