"""What an operator does by a command stands in the file of security events."""

import json
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ciba_service.cli import main
from ciba_service.protocol.security_events.limits import OF_SOURCE
from ciba_service.protocol.security_events.record import record_schema
from ciba_service.sca.phones.devices import user_tag
from tests.services.service_fixtures import ServiceRunner
from tests.services.service_process import Installation, installation
from tests.wire.client import CIBA, WireClient

FILE = "security-events.jsonl"
SCHEMA = jsonschema.Draft202012Validator(record_schema())


def lines(path: Path) -> list[dict[str, Any]]:
    """The events of a file, each as the schema says."""
    found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for each in found:
        SCHEMA.validate(each)
    return [each["event"] for each in found]


def acts(events: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Kind and user, or what the operator did."""
    return [(event.get("action", event["kind"]), event.get("user")) for event in events]


async def test_commands_are_told_with_what_they_did(tmp_path: Path):
    """Who ran it, what it was, and whom it was about; what failed changed nothing."""
    async with installation(tmp_path) as place:
        path = place.directory / FILE
        place.configure(security_events={"file": str(path)})
        assert (await place.command("users", "activate", "alice", "--json")).status == 0
        assert (await place.command("users", "unlock", "alice")).status == 0
        assert (await place.command("users", "unblock", "alice", "--client", "till")).status == 0
        assert (await place.command("devices", "revoke", "A" * 43)).status == 1
        assert (await place.command("clients", "remove", "nobody")).status == 1
        assert (await place.command("deliveries", "redeliver", "A" * 22)).status == 1
        assert (await place.command("keys", "rotate", "--purpose", "events")).status == 0
        assert (await place.command("evidence", "erase", "--user", "alice")).status == 0
        events = lines(path)
    alice = user_tag("alice")
    assert acts(events) == [
        ("activation_issued", alice),
        ("users activate", alice),
        ("factors_unlocked", alice),
        ("users unlock", alice),
        ("client_unblocked", alice),
        ("users unblock", alice),
        ("keys rotate", None),
        ("evidence erase", None),
    ]
    written = [event for event in events if event["kind"] == "operator_wrote"]
    assert all(event["operator"].startswith("uid ") for event in written)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_service_writes_to_its_file_and_not_to_its_log(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """What waits when it ends is written, too."""
    path = tmp_path / FILE
    section = {"security_events": {"file": str(path)}}
    async with run_service(clients=[till], sections=section) as bank:
        await bank.enrolled_phone("alice")
        assert bank.telemetry.named("security_event") == []
    assert acts(lines(path)) == [("phone_enrolled", user_tag("alice"))]


async def test_a_service_that_ends_amid_a_flood_says_how_many_it_did_not_tell(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """Nobody hides what was done by what makes an operator restart the service."""
    path = tmp_path / FILE
    section = {"security_events": {"file": str(path)}}
    async with run_service(clients=[till], sections=section) as bank:
        for _ in range(OF_SOURCE + 2):
            await bank.http.post("/token", data={"grant_type": CIBA})
    *_, suppressed = lines(path)
    assert suppressed == {
        "kind": "events_suppressed",
        "of": "client_authentication_failed",
        "count": 2,
        "peer": "127.0.0.1",
    }


async def test_a_service_writes_to_its_output(
    run_service: ServiceRunner, till: WireClient, capsysbinary: pytest.CaptureFixture[bytes]
):
    """As containers have it."""
    section = {"security_events": {"file": "-"}}
    async with run_service(clients=[till], sections=section) as bank:
        await bank.enrolled_phone("alice")
    (line,) = capsysbinary.readouterr().out.splitlines()
    assert json.loads(line)["event"]["kind"] == "phone_enrolled"


async def run(place: Installation, *words: str) -> tuple[int, str]:
    """A command with its status and what it logged."""
    outcome = await place.command(*words)
    return outcome.status, outcome.err


async def test_a_command_does_not_print_events(tmp_path: Path):
    """What would go to the service's output is logged; and so is what cannot be written."""
    async with installation(tmp_path) as place:
        place.configure(security_events={"file": "-"})
        assert (await place.command("keys", "generate")).status == 0
        status, said = await run(place, "keys", "rotate")
        assert (status, '"action":"keys rotate"' in said) == (0, True)
        assert (await place.command("users", "unlock", "alice")).out == "alice is unlocked\n"
        place.configure(security_events={"file": str(place.directory)})
        status, said = await run(place, "users", "unlock", "alice")
        assert (status, "security_events_not_written" in said) == (0, True)
        status, said = await run(place, "evidence", "erase", "--user", "alice")
        assert (status, "security_events_not_written" in said) == (0, True)
        place.configure(security_events={"file": str(place.directory / "no" / "file")})
        status, said = await run(place, "users", "unlock", "alice")
        assert (status, "security_events.file: " in said, "no directory" in said) == (2, True, True)


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]):
    """Without a configuration, for whoever reads events."""
    assert main(["events", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(record_schema()))
