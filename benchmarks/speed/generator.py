"""The load generator: a C program of one thread, built when needed, run on the core of Redis."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.machine import Usage
from benchmarks.speed.servers import OTHER_CORE, Provider

__all__ = ["Latency", "Load", "Run", "build_generator"]

_SOURCE: Final = Path(__file__).parent / "loadgen" / "loadgen.c"
_PROGRAM: Final = Path(__file__).parents[2] / "build" / "loadgen"
_CONNECTIONS: Final = 32
_COUNTED_SECONDS: Final = 40
"""Proofs are good for a minute; a run of so many flows ends before."""


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds."""

    mean: float
    p50: float
    p90: float
    p99: float
    max: float


class _Report(msgspec.Struct, frozen=True):
    flows_ok: int
    flows_bad: int
    wall: float
    per_s: float
    gen_cpu_share: float
    exhausted: int
    responses: int
    flow_ms: Latency
    err: str


@dataclass(frozen=True)
class Run:
    """One run: flows a second that went well, how many did not, and what each took.

    ``cpu`` is the provider's processor time for one flow, in microseconds; the shares are of one
    core, and ``others`` is everything that is neither provider, Redis nor generator.
    """

    rate: float
    bad: int
    latency: Latency
    cpu: float
    redis_share: float
    generator_share: float
    others: float
    first_error: str


@dataclass(frozen=True)
class Load:
    """What is to be sent: ``stages`` are done one after the other by each flow.

    Either for ``seconds``, or until ``flows`` were done; with ``rate`` flows come at that rate
    whatever becomes of those before, and latency counts from when they were due. ``source`` is the
    address of this machine that all is sent from.
    """

    stages: Sequence[Path]
    expect: str
    seconds: float = 3.0
    warm_up: float = 0.5
    flows: int | None = None
    rate: float | None = None
    connections: int | None = None
    source: str | None = None
    ids: Path | None = None
    keep_ids: Path | None = None

    def run(self, provider: Provider) -> Run:
        """Send it; raises ``RuntimeError`` when nothing went well."""
        before = Usage.of(provider.pid), Usage.of(provider.redis_pid)
        finished = subprocess.run(  # noqa: S603 - built from this folder
            ["taskset", "-c", str(OTHER_CORE), *self._command(provider.port)],  # noqa: S607
            capture_output=True,
            timeout=_COUNTED_SECONDS + 30,
            check=False,
        )
        after = Usage.of(provider.pid), Usage.of(provider.redis_pid)
        if finished.returncode:
            raise RuntimeError(f"the generator failed: {finished.stderr.decode()}")
        report = msgspec.json.decode(finished.stdout, type=_Report)
        if not report.flows_ok:
            raise RuntimeError(f"{provider.name}: nothing went well: {report.err}")
        served, stored = (
            then.share_since(first) for first, then in zip(before, after, strict=True)
        )
        machine = (after[0].machine - before[0].machine) / (after[0].at - before[0].at)
        flows = report.responses / len(self.stages)
        return Run(
            rate=report.per_s,
            bad=report.flows_bad,
            latency=report.flow_ms,
            cpu=(after[0].process - before[0].process) * 1e6 / max(1.0, flows),
            redis_share=stored,
            generator_share=report.gen_cpu_share,
            others=max(0.0, machine - served - stored - report.gen_cpu_share),
            first_error=report.err,
        )

    def _command(self, port: int) -> list[str]:
        # In an open loop a flow must find a connection, or its waiting would count as ours.
        connections = self.connections or (_CONNECTIONS * 2 if self.rate else _CONNECTIONS)
        command = [str(_PROGRAM), "-p", str(port), "-c", str(connections)]
        if self.flows is None:
            command += ["-d", str(self.seconds), "-w", str(self.warm_up)]
        else:
            command += ["-d", str(_COUNTED_SECONDS), "-n", str(self.flows)]
        if self.rate is not None:
            command += ["-r", str(self.rate)]
        if self.source is not None:
            command += ["-b", self.source]
        if self.ids is not None:
            command += ["-i", str(self.ids)]
        if self.keep_ids is not None:
            command += ["-o", str(self.keep_ids)]
        for stage in self.stages:
            command += ["-s", str(stage)]
        *others, _ = self.stages
        for _ in others:
            command += ["-x", ""]
        return [*command, "-x", self.expect]


def build_generator() -> None:
    """Compile it, unless that was done."""
    if _PROGRAM.exists() and _PROGRAM.stat().st_mtime > _SOURCE.stat().st_mtime:
        return
    _PROGRAM.parent.mkdir(exist_ok=True)
    subprocess.run(  # noqa: S603 - the command is written here
        ["gcc", "-O2", "-o", str(_PROGRAM), str(_SOURCE)],  # noqa: S607 - of the system
        check=True,
        timeout=120,
    )
