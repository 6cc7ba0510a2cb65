"""How much is tried: the same few examples in each run of the suite, new ones without end after."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

__all__ = ["LONG", "fuzzed"]

LONG: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Examples of each property in a long run (``make fuzz``); 0 is the suite."""

_QUICK: Final = 20

# A quick run is the same everywhere: what it finds today it does not hide tomorrow.
fuzzed: Final = settings(
    max_examples=LONG or _QUICK,
    derandomize=not LONG,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
"""Decorates each property here."""
