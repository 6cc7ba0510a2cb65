"""A user at a running phone, with a pseudo terminal between them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from authenticator_sim.attendants import TerminalAttendant
from authenticator_sim.core.device import Device
from authenticator_sim.core.identity.pin import Pin
from authenticator_sim.journal import Journal
from authenticator_sim.keystore import Keystore
from authenticator_sim.phone import Phone
from authenticator_sim.terminal.look.look import Look
from authenticator_sim.terminal.look.plain_look import PLAIN
from ciba_service.sca.messages import ChallengeOffered, Decide, ServiceMessage, Shown
from tests.unit.authenticator_sim.doubles import FakeClock
from tests.unit.authenticator_sim.pseudo_terminal import Terminal
from tests.unit.authenticator_sim.scripted_service import PATIENCE_SECONDS, ScriptedBank


class Outbox:
    """Takes decisions and shows them to the test."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Decide] = asyncio.Queue()
        self.receipts: list[Shown] = []

    async def tell(self, receipt: Shown) -> None:
        """Keep it."""
        self.receipts.append(receipt)

    async def submit(self, decide: Decide) -> None:
        """Keep a decision."""
        self.sent.put_nowait(decide)

    async def next(self) -> str:
        """Wait for a decision."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await self.sent.get()).decision


@dataclass
class Session:
    """A user at a running phone."""

    terminal: Terminal
    device: Device
    attendant: TerminalAttendant
    outbox: Outbox
    clock: FakeClock
    bank: ScriptedBank
    task: asyncio.Task[None]

    def hear(self, message: ServiceMessage) -> None:
        """Let the service say something."""
        reaction = self.device.receive(message, now_ms=self.clock.now_ms())
        for event in reaction.events:
            self.attendant.notice(event)

    def offer(self, name: str = "tx-1", **changes: object) -> str:
        """Offer a challenge."""
        token = self.bank.offer(name, **changes)
        self.hear(ChallengeOffered(token))
        return token

    async def answers(self, question: str, answer: str) -> None:
        """Read a question and answer it."""
        await self.terminal.reads(question)
        await self.terminal.types(f"{answer}\r")


def session_with(
    terminal: Terminal,
    device: Device,
    bank: ScriptedBank,
    clock: FakeClock,
    state: Path,
    pin: Pin | None = None,
    keystore: Keystore | None = None,
    look: Look = PLAIN,
) -> Session:
    """Put a user in front of a phone."""
    outbox = Outbox()
    phone = Phone(device, channel=outbox, clock=clock, journal=Journal(state), keystore=keystore)
    attendant = TerminalAttendant(
        phone, keyboard=terminal.keyboard, screen=terminal.screen, pin=pin, look=look
    )
    task = asyncio.create_task(attendant.run())
    return Session(terminal, device, attendant, outbox, clock, bank, task)
