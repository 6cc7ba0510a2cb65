"""docs/operations.md and the systemd unit say what can be done, and what is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ciba_service.channels.outbound import OutboundLimits
from ciba_service.cli import build_parser
from ciba_service.wiring.outbound import _CALLBACKS, _WAKE_UPS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
UNIT = ROOT / "deploy/ciba-service.service"
RULES = yaml.safe_load((ROOT / "deploy/prometheus-rules.yml").read_text("utf-8"))
KNOWN = {
    "Unit": {"Description", "After", "Wants", "StartLimitIntervalSec"},
    "Install": {"WantedBy"},
}
HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
    "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
    "RestrictNamespaces": "yes", "UMask": "0077", "LimitCORE": "0",
}  # fmt: skip


def commands() -> list[str]:
    """Every line of ``ciba-service`` in a block of shell."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    lines = (line for block in blocks for line in block.splitlines())
    found = (line.split("ciba-service ", 1) for line in lines if "ciba-service " in line)
    return [rest.split(" > ")[0] for before, rest in found if "systemctl" not in before]


def unit() -> dict[str, dict[str, str]]:
    """The unit by section; of a key that comes twice, the last."""
    sections: dict[str, dict[str, str]] = {}
    for line in UNIT.read_text("utf-8").splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section[key] = value
    return sections


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_every_command_of_the_page_is_one(command: str):
    """With options and names as it stands there."""
    options = build_parser().parse_args(command.split())
    assert options.command == command.split(maxsplit=1)[0]


def test_every_alert_leads_to_a_heading():
    """Whoever is woken finds what to do."""
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    for group in RULES["groups"]:
        for rule in group["rules"]:
            page, _, anchor = rule["annotations"]["runbook"].partition("#")
            assert page == "docs/operations.md"
            assert anchor in headings


def test_exchanges_have_the_places_that_the_page_says():
    """Whoever looks for what holds callbacks or wake-ups up finds the figures there."""
    usual = OutboundLimits()
    assert {limits.total for limits in (usual, _CALLBACKS, _WAKE_UPS)} == {128}
    assert {limits.suspects for limits in (usual, _CALLBACKS, _WAKE_UPS)} == {64}
    assert [limits.per_host for limits in (usual, _CALLBACKS, _WAKE_UPS)] == [4, 16, 64]
    assert (
        "| 128 of each purpose, 64 of them with hosts that failed; four a host for key sets and "
        "security events, sixteen for callbacks, 64 for wake-ups;"
    ) in PAGE


def test_every_link_of_the_page_leads_somewhere():
    """Files are there, and headings in them."""
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, anchor = target.partition("#")
        text = (ROOT / "docs" / (file or "operations.md")).read_text("utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not anchor or anchor in slugs, target


def test_the_unit_runs_what_there_is_and_may_do_little():
    """``serve`` as its own user, reloaded by a hangup, with little else than its directory."""
    sections = unit()
    assert set(sections) == {"Service", *KNOWN}
    for name, keys in KNOWN.items():
        assert set(sections[name]) <= keys
    service = sections["Service"]
    program, *words = service["ExecStart"].split()
    assert program == "/opt/ciba/bin/ciba-service"
    assert build_parser().parse_args(words).command == "serve"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (service["User"], service["StateDirectory"]) == ("ciba", "ciba")
    assert service["RestartForceExitStatus"] == "SIGHUP"  # a reload within the start is no end
    assert service["KillMode"] == "mixed"  # the embedded server is ended after the last write
    assert HARDENED.items() <= service.items()
    assert int(service["TimeoutStopSec"]) > 10 + 30
    assert sections["Unit"]["StartLimitIntervalSec"] == "0"  # it comes up after its Redis
    assert service["RestartPreventExitStatus"] == "2"  # and not at all as it is configured


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path):
    """It verifies, with a program that is there, and finds little exposed."""
    there = tmp_path / UNIT.name
    text = UNIT.read_text("utf-8").replace("/opt/ciba/bin/ciba-service", sys.executable)
    there.write_text(text.replace("WorkingDirectory=/var/lib/ciba\n", ""), "utf-8")
    told = subprocess.run(  # noqa: S603 - ours
        ["systemd-analyze", "verify", str(there)],  # noqa: S607 - wherever it is
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in told.stderr.splitlines() if UNIT.name in line] == []
    exposed = subprocess.run(  # noqa: S603 - ours
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(there)],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert exposed.returncode == 0, exposed.stdout[-200:]


def test_no_page_takes_the_rights_of_the_default_user():
    """Redis replays its file as that user, and leaves out what it may not do."""
    pages = [each.read_text("utf-8") for each in (ROOT / "docs").rglob("*.md")]
    rules = {rule for page in pages for rule in re.findall(r"(?m)^user default (.*)$", page)}
    assert rules == {"off ~* &* +@all"}
