"""Writes the OpenAPI documents as the JSON that the service serves: it needs no YAML to run.

``python -m tools.openapi`` does it; a test holds the ones to the others.
"""

import json
from pathlib import Path
from typing import Final

from tools.yaml_files import read_yaml

__all__ = ["OPERATOR_SERVED", "OPERATOR_SOURCE", "SERVED", "SOURCE", "served_text"]

_ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE: Final = _ROOT / "docs" / "openapi.yaml"
SERVED: Final = _ROOT / "ciba_service" / "endpoints" / "openapi.json"
OPERATOR_SOURCE: Final = _ROOT / "docs" / "operator-openapi.yaml"
OPERATOR_SERVED: Final = _ROOT / "ciba_service" / "endpoints" / "operator" / "openapi.json"


def served_text(source: Path = SOURCE) -> str:
    """A document as JSON, one member a line."""
    document = read_yaml(source)
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    SERVED.write_text(served_text(), encoding="utf-8")
    OPERATOR_SERVED.write_text(served_text(OPERATOR_SOURCE), encoding="utf-8")
