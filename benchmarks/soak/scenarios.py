"""Which faults are tried alone, and how many flows meet them all."""

from typing import Final

from benchmarks.soak.faults import Fault
from benchmarks.soak.running import Scenario

__all__ = ["SCENARIOS"]

_ALONE: Final = 3_000
_ALL: Final = 100_000

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm", (), _ALONE),
        *(Scenario(fault.value, (fault,), _ALONE, slower=0.15) for fault in Fault),
        Scenario("mixed", tuple(Fault), _ALL, slower=1.5),
    )
}
"""By name; each also has failing callbacks, and clients that go away."""
