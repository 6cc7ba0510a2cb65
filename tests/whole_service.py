"""The service with every endpoint that docs/openapi.yaml describes switched on."""

from typing import Any, Final

__all__ = ["EVERYTHING"]

# Sections of the configuration; an endpoint that is off by default is switched on here.
EVERYTHING: Final[dict[str, dict[str, Any]]] = {}
