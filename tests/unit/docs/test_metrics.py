"""docs/metrics.md, the dashboard and the alerts name metrics and labels that there are."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ciba_service.metrics.families import Families
from ciba_service.protocol.security_events.kinds import KINDS, kind_of
from tools.metrics import PAGE, with_table

ROOT = Path(__file__).parents[3]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text("utf-8"))
RULES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus-rules.yml").read_text("utf-8"))
OF_SCRAPES = {"le", "instance", "job"}
OF_PROCESSES = {"process_cpu_seconds_total", "process_resident_memory_bytes"}
OF_PROMETHEUS = {"up"}


def expressions() -> Iterator[str]:
    """Everything that is asked of Prometheus."""
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def series() -> dict[str, set[str]]:
    """The labels of every series that families make."""
    found: dict[str, set[str]] = {name: set() for name in OF_PROCESSES | OF_PROMETHEUS}
    for family in Families().described:
        histogram = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
        found |= {family.name + ending: set(family.labels) for ending in histogram}
    return found


def test_the_table_is_written_from_the_code():
    """docs/metrics.md is as ``python -m tools.metrics`` leaves it."""
    page = PAGE.read_text("utf-8")
    assert with_table(page) == page
    assert all(f"| `{family.name}` |" in page for family in Families().described)


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_what_is_asked_of_prometheus_is_there(expression: str):
    """Each name is a series of ours, and each label one that it has."""
    known = series()
    names = re.findall(r"\b(?:ciba|process)_\w+|^up\b", expression)
    assert names
    assert set(names) <= known.keys()
    labels = {
        label.strip()
        for grouped in re.findall(r"by \(([\w, ]+)\)", expression)
        for label in grouped.split(",")
    }
    labels |= set(re.findall(r"(\w+)!?=\"", expression))
    assert labels <= set().union(OF_SCRAPES, *(known[name] for name in names))
    assert not set(re.findall(r'kind="(\w+)"', expression)) - set(map(kind_of, KINDS))


@pytest.mark.parametrize("family", Families().described, ids=lambda family: family.name)
def test_names_follow_the_conventions(family: Any):
    """A counter ends in _total, a time in _seconds, a sentence says what it is."""
    assert re.fullmatch(r"ciba_[a-z_]+", family.name)
    assert family.name.endswith("_total") == (family.type == "counter")
    assert family.name.endswith("_seconds") == (family.type == "histogram")
    assert family.text.endswith(".")
    assert not {"client", "client_id", "user", "sub", "device_id", "peer"} & set(family.labels)
