"""What a scenario is: which faults, over how many flows, on which topology of Redis."""

from dataclasses import dataclass
from enum import StrEnum

from benchmarks.soak.faults import Fault

__all__ = ["Scenario", "Topology"]


class Topology(StrEnum):
    """How Redis runs."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Scenario:
    """Which faults, over how many flows, how many of them at once."""

    name: str
    faults: tuple[Fault, ...]
    flows: int
    at_once: int = 250
    users: int = 300
    guessers: int = 10
    processes: int = 3
    failing_percent: int = 10
    topology: Topology = Topology.SINGLE
    slower: float = 1.0
    replicas: int = 0
    """How many of them are waited for."""
    brief: bool = False
    """Whether no flow waits for its expiry."""
    seconds: float | None = None
    """After which no flow begins any more, however many there were to be."""
