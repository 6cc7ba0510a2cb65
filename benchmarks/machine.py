"""The machine and what was going on there: nothing measured counts without it."""

import asyncio
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

__all__ = ["Lag", "Noise", "Usage", "environment", "resident_mib"]

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE, _IO_WAIT, _STEAL = 3, 4, 7
_USER, _SYSTEM = 11, 12
_TICK_SECONDS = 0.01


@dataclass(frozen=True)
class Usage:
    """Processor seconds so far: of one process, and of the whole machine."""

    process: float
    machine: float
    stolen: float
    at: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Look now."""
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        line = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0]
        times = [int(each) / _TICKS for each in line.split()[1:9]]
        idle = times[_IDLE] + times[_IO_WAIT] + times[_STEAL]
        return cls(
            process=(int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS,
            machine=sum(times) - idle,
            stolen=times[_STEAL],
            at=time.perf_counter(),
        )

    def share_since(self, before: "Usage") -> float:
        """What part of one core the process took."""
        return (self.process - before.process) / (self.at - before.at)


@dataclass
class Lag:
    """How late this program itself was: its event loop, asked a hundred times a second."""

    late: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            due = time.perf_counter() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            self.late.append(time.perf_counter() - due)


@dataclass(frozen=True)
class Noise:
    """What the rest of the machine did while something was measured."""

    seconds: float
    ours: float
    others: float
    stolen: float

    @classmethod
    def between(cls, before: dict[int, Usage], after: dict[int, Usage]) -> Self:
        """From the usage of all our processes at both ends."""
        some = next(iter(before))
        ours = sum(after[pid].process - before[pid].process for pid in before)
        machine = after[some].machine - before[some].machine
        return cls(
            seconds=after[some].at - before[some].at,
            ours=ours,
            others=max(0.0, machine - ours),
            stolen=after[some].stolen - before[some].stolen,
        )

    def __str__(self) -> str:
        return (
            f"in {self.seconds:.0f} s the service and the driver took {self.ours:.0f} s of"
            f" processor time, everything else on the machine {self.others:.0f} s,"
            f" the hypervisor {self.stolen:.1f} s"
        )


def environment(store: str = "embedded store") -> str:
    """One line: when, and on what."""
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return (
        f"{date}; {os.cpu_count()} cores ({_processor()}), Linux {platform.release()},"
        f" Python {platform.python_version()}, {store}"
    )


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_048_576


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
