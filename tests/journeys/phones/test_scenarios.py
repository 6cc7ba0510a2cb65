"""Attacks of phones: each scenario of the simulator, played against the service."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.scenario import ScenarioOptions, play
from authenticator_sim.errors import ServiceUnreachable, UsageError
from authenticator_sim.keystore import Keystore
from authenticator_sim.scenario.files import parse_scenario, read_scenario, shipped_names
from authenticator_sim.scenario.steps import Scenario
from tests.client_time import ClientTime
from tests.services.running_service import RunningService
from tests.services.simulated_phone import PIN, enrolled_state, surroundings

OUTCOMES = {
    "another-transaction": ("tokens", "authorization_pending"),
    "approve": ("tokens",),
    "approve-after-deny": ("access_denied",),
    "clock-skew": ("tokens",),
    "dropped": ("tokens",),
    "duplicate": ("tokens",),
    "late-decision": ("expired_token",),
    "locked-out": ("access_denied",),
    "not-me": ("access_denied",),
    "replayed-decision": ("tokens", "authorization_pending"),
    "stale-key": ("tokens",),
    "tampered-challenge": ("tokens",),
    "wrong-pin": ("tokens",),
}
"""What the client gets for each of its requests, in their order."""


class PassingTime(ClientTime):
    """Waiting moves the service's clock; a phone's time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return self.clock.now_ms()


class Stage:
    """Alice's two simulated phones, and what they said."""

    def __init__(self, service: RunningService, states: tuple[Path, Path]) -> None:
        self.service = service
        self.states = states
        self.screen = io.StringIO()

    async def play(self, scenario: Scenario, *, phones: int = 2, as_json: bool = True) -> bool:
        """Play; true when all was as expected."""
        world = surroundings(self.service, self.screen, clock=PassingTime(self.service.clock))
        options = ScenarioOptions(
            scenario=scenario,
            state=self.states[0],
            second_state=self.states[1] if phones > 1 else None,
            pin_file=None,
            ca_file=None,
            json=as_json,
        )
        return await play(options, world)

    @property
    def said(self) -> list[dict[str, Any]]:
        """The JSON lines."""
        return [json.loads(line) for line in self.screen.getvalue().splitlines()]

    async def poll(self, auth_req_id: str) -> str:
        """What the client gets."""
        answer = (await self.service.till.poll(auth_req_id)).json()
        return "tokens" if "id_token" in answer else str(answer["error"])


@pytest.fixture
async def stage(service: RunningService, tmp_path: Path) -> Stage:
    """Two enrolled phones."""
    first = await enrolled_state(service, tmp_path / "first", name="First")
    return Stage(service, (first, await enrolled_state(service, tmp_path / "second")))


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_scenario_goes_as_it_says(stage: Stage, name: str):
    """Each step as expected, the client gets what is right, and nobody else is affected."""
    bob = await stage.service.enrolled_phone("bob")
    bobs = await stage.service.till.started(login_hint="bob")
    requests = [await stage.service.till.started() for _ in OUTCOMES[name]]
    assert await stage.play(read_scenario(name)), stage.screen.getvalue()
    assert sorted([await stage.poll(each) for each in requests]) == sorted(OUTCOMES[name])
    if name == "late-decision":
        bobs = await stage.service.till.started(login_hint="bob")
    assert (await bob.approve_next())["type"] == "accepted"
    assert await stage.poll(bobs) == "tokens"


async def test_of_two_phones_at_once_one_is_heard(stage: Stage):
    """Whichever it was, the client gets what that one decided."""
    auth_req_id = await stage.service.till.started()
    assert await stage.play(read_scenario("two-phones")), stage.screen.getvalue()
    (winner,) = [each for each in stage.said if each.get("outcome") == "accepted"]
    outcome = await stage.poll(auth_req_id)
    assert outcome == ("tokens" if "approve" in winner["did"] else "access_denied")


def test_every_scenario_is_played():
    """None is shipped that nobody tried."""
    elsewhere = {"passkey"}  # where there are passkeys: test_passkey_commands
    assert set(shipped_names()) == {*OUTCOMES, "two-phones", *elsewhere}


async def test_what_is_not_as_expected_is_said(stage: Stage):
    """In the timeline, and in the status of the command."""
    await stage.service.till.started()
    scenario = parse_scenario(
        "about: x\nsteps: [{do: request}, {do: approve, pin: wrong, expect: accepted}]", name="x"
    )
    assert not await stage.play(scenario, as_json=False)
    lines = stage.screen.getvalue().splitlines()
    assert lines[0].endswith("1  first   request: shown  as expected")
    assert lines[1].endswith(
        "approve (wrong PIN): factors, attempts left: 4  NOT AS EXPECTED: accepted"
    )
    assert lines[2] == "NOT as expected."


async def test_a_request_that_does_not_come_is_not_as_expected(stage: Stage):
    """Unless the scenario expects just that."""
    steps = "about: x\nsteps: [{do: request, within: 2%s}]"
    assert not await stage.play(parse_scenario(steps % "", name="x"))
    assert await stage.play(parse_scenario(steps % ", expect: nothing", name="x"))


async def test_a_revoked_phone_plays_no_part(stage: Stage):
    """It is not told what is open, and the scenario ends there."""
    auth_req_id = await stage.service.till.started()
    device_id = Keystore(stage.states[1]).load().device_id
    assert await stage.service.service.stores.devices.revoke(
        device_id, now=stage.service.clock.now_ms()
    )
    late = parse_scenario("about: x\nsteps: [{do: request, phone: second}]", name="x")
    with pytest.raises(ServiceUnreachable, match="403"):
        await stage.play(late)
    assert await stage.poll(auth_req_id) == "authorization_pending"


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ("[{do: approve}]", "a request that has not come"),
        ("[{do: request}, {do: look, request: 7}]", "a request that has not come"),
        ("[{do: resend}]", "a decision that was not made"),
        ("[{do: request, phone: second}]", "--second-state"),
    ],
)
async def test_a_scenario_that_makes_no_sense_is_refused(stage: Stage, steps: str, complaint: str):
    """At the step that asks for what there is not."""
    await stage.service.till.started()
    scenario = parse_scenario(f"about: x\nsteps: {steps}", name="x")
    with pytest.raises(UsageError, match=complaint):
        await stage.play(scenario, phones=1)


def test_the_command_line_shows_scenarios(capsys: pytest.CaptureFixture[str]):
    """All of them with their meaning, or one as it stands in its file."""
    assert main(["scenarios", "list"]) == 0
    listed = capsys.readouterr().out
    assert "late-decision         A decision after the expiry comes too late.\n" in listed
    assert main(["scenarios", "show", "two-phones"]) == 0
    assert "do: race" in capsys.readouterr().out
    assert main(["scenarios", "show", "none"]) == 2
    assert main(["run", "--deny-all", "--second-state", "x"]) == 2


async def test_the_command_line_plays_a_scenario(
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """With a status that a build server understands."""
    monkeypatch.setenv("AUTHENTICATOR_SIM_PIN", PIN)
    state = ["--state", str(stage.states[0]), "--json"]
    impatient = tmp_path / "impatient.yaml"
    impatient.write_text("about: x\nsteps: [{do: request, within: 0}]")
    await stage.service.till.started()
    for name, status in (("not-me", 0), (str(impatient), 1)):
        assert await asyncio.to_thread(main, ["run", "--scenario", name, *state]) == status
        finished = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert finished["as_expected"] is (status == 0)
