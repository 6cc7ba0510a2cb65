"""``authenticator-sim run --rules``: a phone that answers by rules, at the service."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.run import AttendedBy, RunOptions, run
from authenticator_sim.rules_file import parse_rules
from tests.services.running_service import RunningService
from tests.services.simulated_phone import enrolled_state, surroundings

RULES = """
default: ignore
rules:
  - {when: {binding_message: YES}, then: approve}
  - {when: {binding_message: {like: "NO*"}}, then: deny}
  - {when: {binding_message: WHO}, then: not_me}
  - {when: {binding_message: WRONG}, then: wrong_pin}
  - {name: slowly, when: {client: Shop till, binding_message: SLOW}, then: approve, slow: 30}
"""


class Screen(io.StringIO):
    """What a phone said, line by line as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.changed = asyncio.Event()

    def write(self, text: str) -> int:
        """Take a line."""
        self.events += [json.loads(line) for line in text.splitlines()]
        self.changed.set()
        return len(text)

    async def until(self, number: int, *names: str) -> list[dict[str, Any]]:
        """Wait until there were so many of these events."""
        async with asyncio.timeout(10):
            while len(found := [each for each in self.events if each["event"] in names]) < number:
                self.changed.clear()
                await self.changed.wait()
        return found


@asynccontextmanager
async def phone_with_rules(service: RunningService, directory: Path) -> AsyncIterator[Screen]:
    """A running phone of alice."""
    screen = Screen()
    options = RunOptions(
        attended_by=AttendedBy.RULES,
        automation_port=0,
        pin_file=None,
        state=await enrolled_state(service, directory),
        ca_file=None,
        json=True,
        rules=parse_rules(RULES, name="rules"),
    )
    running = asyncio.create_task(run(options, surroundings(service, screen)))
    try:
        await screen.until(1, "fetched")
        yield screen
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_each_request_is_answered_by_its_rule(service: RunningService, tmp_path: Path):
    """Approved, denied, not me, a wrong PIN, and one that no rule knows."""
    messages = ("YES", "NO-WAY", "WRONG", "OTHER")
    async with phone_with_rules(service, tmp_path / "phone") as screen:
        started = [await service.till.started(binding_message=text) for text in messages]
        await screen.until(3, "decided", "refused")
        polls = [(await service.till.poll(name)).json() for name in started]
        reported = await service.till.started(binding_message="WHO")
        outcomes = await screen.until(4, "decided", "refused")
        assert (await service.till.poll(reported)).json()["error"] == "access_denied"
    assert "access_token" in polls[0]
    assert [poll["error"] for poll in polls[1:]] == [
        "access_denied",
        "authorization_pending",
        "authorization_pending",
    ]
    assert [each["reason"] for each in outcomes if each["event"] == "refused"] == ["factors"]
    assert {each["reason"] for each in outcomes if each.get("verdict") == "deny"} == {
        "declined",
        "not_me",
    }
    named = [(each["rule"], each["action"]) for each in screen.events if each["event"] == "rule"]
    assert min(named) == ("default", "ignore")


async def test_a_slow_rule_takes_its_time(service: RunningService, tmp_path: Path):
    """By the phone's clock."""
    async with phone_with_rules(service, tmp_path / "phone") as screen:
        auth_req_id = await service.till.started(binding_message="SLOW")
        (applied,) = await screen.until(1, "rule")
        assert applied["rule"] == "slowly"
        early = (await service.till.poll(auth_req_id)).json()
        assert early["error"] == "authorization_pending"
        async with asyncio.timeout(10):
            while not any(each["event"] == "decided" for each in screen.events):
                service.clock.advance(1)
                await asyncio.sleep(0.01)
        assert (await service.till.poll(auth_req_id)).status_code == 200


def test_a_bad_file_of_rules_starts_no_phone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Status 2, with file, line and reason."""
    file = tmp_path / "rules.yaml"
    file.write_text("rules:\n- {then: aprove}\n")
    assert main(["run", "--rules", str(file), "--state", str(tmp_path / "phone")]) == 2
    assert capsys.readouterr().err == (
        f"authenticator-sim: {file}, line 2: rules[0].then: Invalid enum value 'aprove'.\n"
    )


@pytest.mark.parametrize("content", [None, b"\xff", b"#" * 70_000])
def test_a_file_that_cannot_be_read_starts_no_phone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
):
    """Absent, no text, too large."""
    file = tmp_path / "rules.yaml"
    if content is not None:
        file.write_bytes(content)
    assert main(["run", "--rules", str(file), "--state", str(tmp_path / "phone")]) == 2
    assert str(file) in capsys.readouterr().err
