"""Which faults are tried alone, and how many flows meet them all."""

from typing import Final

from benchmarks.soak.faults import Fault
from benchmarks.soak.scenario import Scenario, Topology

__all__ = ["SCENARIOS"]

_ALONE: Final = 3_000
_ALL: Final = 100_000
_ANYWHERE: Final = tuple(fault for fault in Fault if fault is not Fault.FAILOVERS)

SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario("calm", (), _ALONE),
        *(Scenario(fault.value, (fault,), _ALONE, slower=0.15) for fault in _ANYWHERE),
        *(
            Scenario(
                topology.value,
                (Fault.FAILOVERS,),
                _ALONE,
                at_once=100,
                topology=topology,
                replicas=1,
            )
            for topology in (Topology.SENTINEL, Topology.CLUSTER)
        ),
        Scenario("mixed", _ANYWHERE, _ALL, at_once=300, slower=3.0),
    )
}
"""By name; each also has failing callbacks, and clients that go away."""
