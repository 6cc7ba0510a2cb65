"""``run --scenario`` and ``scenarios``: phones that misbehave, and what a service makes of it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from authenticator_sim.commands.pins import obtain_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.core.identity.pin import Pin, other_pin, unwrap_pin_key
from authenticator_sim.keystore import Keystore
from authenticator_sim.scenario.decisions import Forger
from authenticator_sim.scenario.files import parse_scenario, shipped_names, shipped_text
from authenticator_sim.scenario.phone import ScenarioPhone
from authenticator_sim.scenario.play import Actor, Play
from authenticator_sim.scenario.report import Timeline
from authenticator_sim.scenario.steps import PhoneName, Scenario

__all__ = ["ScenarioOptions", "list_scenarios", "play"]


@dataclass(frozen=True, slots=True)
class ScenarioOptions:
    """What the command line asks for; a scenario with two phones takes ``second_state``, too."""

    scenario: Scenario
    state: Path
    second_state: Path | None
    pin_file: Path | None
    ca_file: Path | None
    json: bool


async def play(options: ScenarioOptions, surroundings: Surroundings) -> bool:
    """Play a scenario; true when everything expected happened. Raises ``PhoneError``."""
    states = {PhoneName.FIRST: options.state, PhoneName.SECOND: options.second_state}
    pin = await obtain_pin(surroundings, options.pin_file)
    async with AsyncExitStack() as stack:
        actors = {
            name: await _actor(state, options, surroundings, pin, stack)
            for name, state in states.items()
            if state is not None
        }
        timeline = Timeline(surroundings.stdout, json=options.json)
        return await Play(actors, clock=surroundings.clock, timeline=timeline).run(options.scenario)


def list_scenarios(surroundings: Surroundings, chosen: str | None = None) -> bool:
    """Print what each scenario of this package is about, or the file of the chosen one.

    Raises:
        UsageError: There is none of this name.
    """
    if chosen is not None:
        surroundings.stdout.write(shipped_text(chosen))
        return True
    for name in shipped_names():
        about = parse_scenario(shipped_text(name), name=name).about
        surroundings.stdout.write(f"{name:<20}  {about}\n")
    return True


async def _actor(
    state: Path,
    options: ScenarioOptions,
    surroundings: Surroundings,
    pin: Pin,
    stack: AsyncExitStack,
) -> Actor:
    keystore = Keystore(state)
    identity = keystore.load()
    tls = tls_context(options.ca_file)
    http = await stack.enter_async_context(HttpClient(identity.messages, tls=tls))
    right = await asyncio.to_thread(unwrap_pin_key, identity.pin_key, pin)
    wrong = await asyncio.to_thread(unwrap_pin_key, identity.pin_key, other_pin(pin))
    phone = ScenarioPhone(
        identity, http=http, clock=surroundings.clock, random_bytes=surroundings.random_bytes
    )
    forger = Forger(identity, right, wrong, surroundings.random_bytes, keystore.use_passkey)
    return Actor(phone, forger)
