"""The commands of a phone that look after phones and PIN, against the real service."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from authenticator_sim.cli import main
from authenticator_sim.commands.pins import NEW_PIN_VARIABLE, PIN_VARIABLE
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.events import Event
from authenticator_sim.errors import ServiceUnreachable
from authenticator_sim.keystore import Keystore
from ciba_service.sca.messages import GiveOrder, transaction_id
from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService

OLD, NEW = "294715", "738261"


@dataclass
class Commands:
    """A phone in a directory, and what its commands said."""

    service: RunningService
    state: Path
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        """Run one command; its status and all it wrote."""
        end = arguments.index("--") if "--" in arguments else len(arguments)
        given = [*arguments[:end], "--state", str(self.state), *arguments[end:]]
        status = await asyncio.to_thread(main, given)
        out, err = self.capsys.readouterr()
        return status, out + err

    async def approves(self) -> int:
        """Start a flow and approve it; the status of the command."""
        name = transaction_id(await self.service.till.started())
        return (await self("approve", "--", name))[0]

    @property
    def keystore(self) -> Keystore:
        """What the phone holds."""
        return Keystore(self.state)


@pytest.fixture
async def command(
    service: RunningService,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Commands:
    """Alice's phone, enrolled with the old PIN."""
    monkeypatch.setenv(PIN_VARIABLE, OLD)
    monkeypatch.setenv(NEW_PIN_VARIABLE, NEW)
    commands = Commands(service, tmp_path / "phone", capsys)
    code = await service.activation_code("alice")
    enrolment = ("enrol", "--issuer", service.issuer, "--activation-code", code, "--name", "Phone")
    assert (await commands(*enrolment))[0] == 0
    return commands


async def test_phones_are_listed_named_and_revoked(service: RunningService, command: Commands):
    """By a person and by a program."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    assert await command("devices", "rename", "Pocket phone") == (
        0,
        "This phone is called Pocket phone now.\n",
    )
    assert command.keystore.load().name == "Pocket phone"
    status, out = await command("devices", "list")
    assert status == 0
    assert "Pocket phone  (this phone)\n" in out
    assert f"{tablet.device_id}  " in out
    assert await command("devices", "revoke", "--", tablet.device_id) == (
        0,
        "The phone is revoked.\n",
    )
    assert await command("devices", "revoke", "--", tablet.device_id) == (
        1,
        "Not done. There is no such phone, or it does not wait any more.\n",
    )
    status, out = await command("devices", "list", "--json")
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["device", "devices"]


async def test_what_cannot_be_meant_is_wrong_usage(command: Commands):
    """Nothing is sent."""
    assert (await command("devices", "revoke", "tablet"))[0] == 2
    assert (await command("devices", "rename", "x" * 65))[0] == 2
    assert await command("devices", "rename", "two  spaces") == (
        1,
        "The service does not take this name: letters, digits, single spaces, signs.\n",
    )


async def test_a_phone_gives_itself_up_without_the_pin(
    command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """Also when the first answer was lost: being unknown is being revoked."""
    monkeypatch.delenv(PIN_VARIABLE)
    own = command.keystore.load().device_id
    assert await command("devices", "revoke", "--", own) == (0, "This phone is revoked.\n")
    assert await command("devices", "revoke", "--", own) == (0, "This phone is revoked.\n")
    status, out = await command("devices", "list")
    assert status == 1
    assert "no longer knows this phone" in out


async def test_a_changed_pin_approves_and_the_old_one_does_not(
    command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """At the service and on the phone."""
    assert await command("pin", "change") == (0, "The PIN is changed.\n")
    assert await command.approves() == 1
    monkeypatch.setenv(PIN_VARIABLE, NEW)
    assert await command.approves() == 0


async def test_a_wrong_old_pin_changes_nothing(
    service: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """The phone goes on with the old one; a new one that is the old is not sent."""
    monkeypatch.setenv(PIN_VARIABLE, "518273")
    assert await command("pin", "change") == (
        1,
        "Not done. The PIN was not right. Attempts left: 4.\n",
    )
    monkeypatch.setenv(PIN_VARIABLE, NEW)
    assert (await command("pin", "change"))[0] == 2
    assert await service.service.stores.attempts.used(user_tag("alice")) == 1
    monkeypatch.setenv(PIN_VARIABLE, OLD)
    assert await command.approves() == 0


def losing(monkeypatch: pytest.MonkeyPatch, *, arrives: bool) -> None:
    """Let the answer to the next order be lost, or the order itself."""
    give = HttpsConnection.give_order

    async def lost(self: HttpsConnection, order: GiveOrder) -> tuple[Event, ...]:
        monkeypatch.setattr(HttpsConnection, "give_order", give)
        if arrives:
            # To the service only: the phone hears nothing of it.
            await self._exchange(msgspec.json.encode(order))
        raise ServiceUnreachable("The answer was lost.")

    monkeypatch.setattr(HttpsConnection, "give_order", lost)


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_lost_answer_leaves_the_phone_with_the_pin_that_counts(
    command: Commands, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
):
    """The next command sends the same order again before it uses a PIN."""
    losing(monkeypatch, arrives=arrives)
    assert (await command("pin", "change"))[0] == 1
    assert command.keystore.load().pending_pin is not None
    monkeypatch.setenv(PIN_VARIABLE, NEW)
    assert await command.approves() == 0
    assert command.keystore.load().pending_pin is None


async def test_an_order_that_never_arrived_in_time_leaves_the_old_pin(
    service: RunningService, command: Commands, monkeypatch: pytest.MonkeyPatch
):
    """Once the service says that it never will count, the new key is dropped."""
    losing(monkeypatch, arrives=False)
    assert (await command("pin", "change"))[0] == 1
    service.clock.advance(361)
    assert await command.approves() == 0
    assert command.keystore.load().pending_pin is None


async def test_one_change_at_a_time(command: Commands, monkeypatch: pytest.MonkeyPatch):
    """Another process of the phone does not write over what is pending."""
    losing(monkeypatch, arrives=False)
    assert (await command("pin", "change"))[0] == 1
    pending = command.keystore.load().pending_pin
    assert pending is not None
    assert not command.keystore.keep_pending(pending)
    command.keystore.settle_pin("another", counts=True)
    assert command.keystore.load().pending_pin is not None
    assert "PendingPin" in repr(pending)
    assert pending.order not in repr(pending)


async def test_what_is_shown_is_told_in_the_ledger(service: RunningService, command: Commands):
    """By the command that shows it; a program is shown nothing."""
    name = transaction_id(await service.till.started())
    for options, expected in ((("--json",), []), ((), ["shown"])):
        assert (await command("list", *options))[0] == 0
        ledger = await service.service.stores.ledgers.read(name, now=service.clock.now_ms())
        assert ledger is not None
        kinds = [entry.kind for entry in ledger.entries if entry.kind in {"received", "shown"}]
        assert kinds == expected
