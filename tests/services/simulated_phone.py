"""The phone simulator enrolled at a running service, in a directory as its commands want it."""

import io
from pathlib import Path

from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.enrolment import send_enrolment
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.pin import parse_pin
from authenticator_sim.keystore import Keystore
from authenticator_sim.ports import Clock, system_random
from tests.services.running_service import RunningService

PIN = "493817"


async def enrolled_state(
    service: RunningService, directory: Path, *, subject: str = "alice", name: str = "Simulator"
) -> Path:
    """Enrol a simulated phone of a user; its PIN is ``PIN``, salted alike on all of them.

    So its key is derived once; the phones that enrol by a command have salts of their own.
    """
    pending = new_enrolment(
        issuer=service.issuer,
        activation_code=await service.activation_code(subject, "482913"),
        second_secret="482913",
        name=name,
        now_ms=service.clock.now_ms(),
        random_bytes=system_random,
    )
    keystore = Keystore(directory)
    keystore.prepare()
    async with HttpClient(service.issuer, tls=tls_context(None)) as http:
        answer = await send_enrolment(
            pending, http=http, clock=service.clock, random_bytes=system_random
        )
    keystore.save(complete_enrolment(pending, answer, pin=parse_pin(PIN), random_bytes=bytes))
    await service.approve_waiting(subject)
    return directory


def surroundings(
    service: RunningService, screen: io.StringIO, clock: Clock | None = None
) -> Surroundings:
    """A program's surroundings: the PIN in the environment, no terminal, the service's time."""
    return Surroundings(
        stdin=io.StringIO(),
        stdout=screen,
        environment={"AUTHENTICATOR_SIM_PIN": PIN},
        clock=clock or service.clock,
        random_bytes=system_random,
    )
