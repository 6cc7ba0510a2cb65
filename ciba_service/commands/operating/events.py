"""``ciba-service events``: the schema of security events."""

import json
import sys

from ciba_service.protocol.security_events.record import record_schema

__all__ = ["print_schema"]


def print_schema() -> None:
    """Print the JSON Schema of a line."""
    sys.stdout.write(json.dumps(record_schema(), indent=2) + "\n")
