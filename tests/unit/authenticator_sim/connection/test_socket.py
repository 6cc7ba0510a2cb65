"""The phone on real WebSockets against a scripted service."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from authenticator_sim.connection.addresses import tls_context
from authenticator_sim.connection.socket import SocketConnection
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import (
    ChallengeIgnored,
    ChallengeShown,
    Closed,
    Connected,
    Decided,
    DecisionPostponed,
    DecisionRefused,
    DecisionUnconfirmed,
    Disconnected,
    FetchCompleted,
    PhoneStopped,
    StopReason,
)
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.errors import AddressRefused
from ciba_service.sca.messages import (
    ChallengeOffered,
    CloseCode,
    DenialReason,
    Hello,
    Received,
    RefusalReason,
    Shown,
    Welcome,
    Withdrawn,
    WithdrawnReason,
)
from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.authenticator_sim.doubles import Ears, FakeClock
from tests.unit.authenticator_sim.scripted_service import (
    DEVICE_ID,
    ISSUER,
    NOW_MS,
    Conversation,
    ScriptedBank,
    ScriptedSocketService,
    refused,
)


@dataclass
class Running:
    """A phone that is connecting, and the service it connects to."""

    device: Device
    connection: SocketConnection
    service: ScriptedSocketService
    task: asyncio.Task[StopReason]
    clock: FakeClock
    ears: Ears

    async def connected(self, *challenges: str) -> Conversation:
        """Welcome the phone."""
        conversation = await self.service.next()
        await conversation.welcome(*challenges)
        await self.ears.next(FetchCompleted)
        return conversation

    async def deny(self, transaction: str = "tx-1") -> None:
        """Let the user decline."""
        await self.connection.submit(
            self.device.deny(transaction, reason=DenialReason.DECLINED, now_ms=NOW_MS)
        )

    async def back_off(self) -> float:
        """Let the time pass that the phone waits before it reconnects."""
        return await self.clock.pass_next_sleep()


@pytest.fixture
async def running(
    identity: DeviceIdentity, bank: ScriptedBank, clock: FakeClock, ears: Ears
) -> AsyncIterator[Running]:
    """Start a phone against a scripted service."""
    async with ScriptedSocketService(bank) as service:
        device = Device(replace(identity, websocket=service.url), random_bytes=os.urandom)
        connection = SocketConnection(
            device,
            clock=clock,
            random_bytes=os.urandom,
            tls=tls_context(None),
            report=ears.report,
            handshake_seconds=0.5,
        )
        task = asyncio.create_task(connection.run())
        yield Running(device, connection, service, task, clock, ears)
        task.cancel()
        await asyncio.wait({task})


async def test_challenge_decision_outcome(running: Running, bank: ScriptedBank) -> None:
    """The whole way of one request."""
    token = bank.offer()
    conversation = await running.connected(token)
    assert running.ears.all(ChallengeShown)[0].transaction_id == "tx-1"
    await running.deny()
    decision = await conversation.hear_decision()
    assert bank.verify_decision(decision, challenge=token).claims["verdict"] == "deny"
    await conversation.accept(decision)
    assert (await running.ears.next(Decided)).transaction_id == "tx-1"


async def test_a_dropped_connection_does_not_lose_the_decision(
    running: Running, bank: ScriptedBank
) -> None:
    """Dropped before the outcome, the same bytes come again on the next connection, once."""
    token = bank.offer()
    conversation = await running.connected(token)
    await running.deny()
    first = await conversation.hear_decision()
    conversation.drop()
    lost = await running.ears.next(Disconnected)
    assert lost.close_code is None
    await running.back_off()
    conversation = await running.connected(token)
    again = await conversation.hear_decision()
    assert again == first
    await conversation.accept(again)
    await running.ears.next(Decided)
    assert len(running.ears.all(ChallengeShown)) == 1


async def test_a_decision_made_offline_goes_out_on_the_next_connection(
    running: Running, bank: ScriptedBank
) -> None:
    """The user need not wait for the network."""
    conversation = await running.connected(bank.offer())
    await conversation.close(CloseCode.UNAVAILABLE)
    await running.ears.next(Disconnected)
    await running.deny()
    await running.back_off()
    conversation = await running.service.next()
    await conversation.welcome()
    decision = await conversation.hear_decision()
    await conversation.accept(decision)
    await running.ears.next(Decided)


async def test_a_decision_made_while_the_connection_dies_is_kept(
    running: Running, bank: ScriptedBank
) -> None:
    """Sending into a connection that is closing raises nothing and loses nothing."""
    conversation = await running.connected(bank.offer())
    closing = asyncio.create_task(conversation.close(CloseCode.UNAVAILABLE))
    await asyncio.wait({closing})
    await running.deny()
    await running.ears.next(Disconnected)
    await running.back_off()
    conversation = await running.service.next()
    await conversation.welcome()
    assert await conversation.hear_decision()


async def test_duplicates_and_forgeries_are_not_shown(running: Running, bank: ScriptedBank) -> None:
    """One prompt, however often it is sent, and none for a challenge of another key."""
    token = bank.offer()
    forged = bank.sign(bank.challenge("tx-2"), header={"kid": "e1"})
    await running.connected(token, token, forged, token)
    assert len(running.ears.all(ChallengeShown)) == 1
    assert len(running.ears.all(ChallengeIgnored)) == 1


async def test_a_withdrawal_is_told(running: Running, bank: ScriptedBank) -> None:
    """Another phone decided."""
    conversation = await running.connected(bank.offer())
    await conversation.say(Withdrawn("tx-1", WithdrawnReason.DECIDED))
    assert (await running.ears.next(Closed)).transaction_id == "tx-1"


async def test_a_refusal_is_told_and_the_next_attempt_is_a_new_decision(
    running: Running, bank: ScriptedBank
) -> None:
    """The attempts left reach the user."""
    conversation = await running.connected(bank.offer())
    await running.deny()
    first = await conversation.hear_decision()
    await conversation.say(refused(first, reason=RefusalReason.FACTORS, attempts_left=4))
    assert (await running.ears.next(DecisionRefused)).attempts_left == 4
    await running.deny()
    assert await conversation.hear_decision() != first


async def test_an_unavailable_store_gets_the_same_decision_again(
    running: Running, bank: ScriptedBank
) -> None:
    """After a pause, to the byte, on the same connection; pauses grow."""
    conversation = await running.connected(bank.offer())
    await running.deny()
    first = await conversation.hear_decision()
    pauses = []
    for _ in range(2):
        await conversation.say(refused(first, reason=RefusalReason.UNAVAILABLE))
        await running.ears.next(DecisionPostponed)
        pauses.append(await running.clock.pass_next_sleep())
        assert await conversation.hear_decision() == first
    assert pauses[0] <= 0.5 <= pauses[1] <= 1
    await conversation.accept(first)
    await running.ears.next(Decided)


async def test_an_outcome_during_the_pause_ends_the_repetition(
    running: Running, bank: ScriptedBank
) -> None:
    """Nothing is sent for a decided request."""
    conversation = await running.connected(bank.offer())
    await running.deny()
    decision = await conversation.hear_decision()
    await conversation.say(refused(decision, reason=RefusalReason.UNAVAILABLE))
    await running.ears.next(DecisionPostponed)
    await conversation.accept(decision)
    await running.ears.next(Decided)
    await running.clock.pass_next_sleep()
    await conversation.say(ChallengeOffered(bank.offer("tx-2")))
    await running.ears.next(ChallengeShown)
    await running.deny("tx-2")
    assert await conversation.hear_decision() != decision


@pytest.mark.parametrize(
    ("code", "reason"),
    [(CloseCode.REVOKED, StopReason.REVOKED), (CloseCode.REPLACED, StopReason.REPLACED)],
)
async def test_the_phone_stops_when_told(
    running: Running, code: CloseCode, reason: StopReason
) -> None:
    """Revoked or replaced: it does not come back."""
    conversation = await running.service.next()
    await conversation.close(code)
    assert await running.task is reason
    assert running.ears.all(PhoneStopped) == [PhoneStopped(reason)]


async def test_a_refused_proof_is_made_anew_at_once_then_with_back_off(
    running: Running,
) -> None:
    """A new nonce without delay, but no storm of them."""
    for _ in range(2):
        conversation = await running.service.next()
        await conversation.authenticate()
        await conversation.close(CloseCode.NOT_AUTHENTICATED)
        last = await running.ears.next(Disconnected)
    assert [event.retry_in_ms > 0 for event in running.ears.all(Disconnected)] == [False, True]
    assert last.close_code == CloseCode.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    "code", [CloseCode.TOO_SLOW, CloseCode.TOO_MANY_FRAMES, CloseCode.UNAVAILABLE, 1011]
)
async def test_back_off_grows_and_ends_with_a_connection(running: Running, code: int) -> None:
    """Each failure in a row waits longer; after a proper connection it starts again."""
    pauses = []
    for _ in range(4):
        await (await running.service.next()).close(code)
        pauses.append(await running.back_off())
    assert pauses == sorted(pauses)
    assert pauses[-1] >= 2
    await (await running.connected()).close(code)
    assert await running.back_off() <= 0.5


async def test_after_a_malformed_frame_nothing_old_is_sent(
    running: Running, bank: ScriptedBank
) -> None:
    """The phone mends itself: what may have been the malformed frame is not repeated."""
    token = bank.offer()
    conversation = await running.connected(token)
    await running.deny()
    first = await conversation.hear_decision()
    await conversation.close(CloseCode.MALFORMED)
    assert (await running.ears.next(DecisionUnconfirmed)).transaction_id == "tx-1"
    await running.back_off()
    conversation = await running.connected(token)
    await running.deny()
    assert await conversation.hear_decision() != first


@pytest.mark.parametrize(
    "frame",
    ["{", '{"type": "riddle"}', "[]", b'{"type": "fetched", "open": []}', '{"type":"welcome"}'],
)
async def test_what_is_no_message_ends_the_connection(running: Running, frame: str | bytes) -> None:
    """And the phone tries again."""
    conversation = await running.service.next()
    await conversation.socket.send(frame)
    assert (await running.ears.next(Disconnected)).detail
    await running.back_off()
    await running.connected()


async def test_an_oversized_frame_ends_the_connection(running: Running) -> None:
    """Sixteen KiB are the limit."""
    conversation = await running.service.next()
    await conversation.socket.send('{"type": "fetched", "open": ["' + "x" * 16384 + '"]}')
    await running.ears.next(Disconnected)
    await running.back_off()
    await running.connected()


async def test_a_service_of_another_name_gets_no_proof(running: Running) -> None:
    """The phone hangs up, and says why."""
    conversation = await running.service.next()
    await conversation.say(Hello("https://attacker.example", "n"))
    lost = await running.ears.next(Disconnected)
    assert lost.detail == "The service says it is another issuer."
    await conversation.socket.wait_closed()


async def test_a_slow_service_is_left_alone_for_a_while(running: Running) -> None:
    """No hello, or no welcome, within the time of a handshake."""
    await running.service.next()
    assert (await running.ears.next(Disconnected)).detail == "The service did not answer in time."
    await running.back_off()
    conversation = await running.service.next()
    await conversation.authenticate()
    assert (await running.ears.next(Disconnected)).detail == "The service did not answer in time."


async def test_a_slow_user_is_not_disconnected(running: Running, bank: ScriptedBank) -> None:
    """After the welcome there is no deadline on the phone's side."""
    conversation = await running.connected()
    loop = asyncio.get_running_loop()
    started = loop.time()
    while loop.time() < started + 0.6:  # longer than the handshake may take
        await (await conversation.socket.ping())
    await conversation.say(ChallengeOffered(bank.offer()))
    await running.ears.next(ChallengeShown)
    assert not running.ears.all(Disconnected)


async def test_a_service_that_does_not_name_the_subprotocol_gets_nothing(
    identity: DeviceIdentity, clock: FakeClock, ears: Ears
) -> None:
    """The phone hangs up before any message."""

    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serve(silent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await _first_failure(identity, f"ws://127.0.0.1:{port}", clock, ears)
    assert ears.all(Disconnected)[0].detail == "The service does not speak this protocol."


async def test_an_unreachable_service_is_tried_again(
    identity: DeviceIdentity, clock: FakeClock, ears: Ears
) -> None:
    """Nobody listens."""
    await _first_failure(identity, "ws://127.0.0.1:9/device/ws", clock, ears)
    assert ears.all(Disconnected)[0].detail == "The service cannot be reached."


async def test_a_redirect_is_not_followed(
    identity: DeviceIdentity, clock: FakeClock, ears: Ears, bank: ScriptedBank
) -> None:
    """The address of enrolment is the only one."""

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {target.url}\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with ScriptedSocketService(bank) as target:
        server = await asyncio.start_server(redirect, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await _first_failure(identity, f"ws://127.0.0.1:{port}", clock, ears)
        assert target.quiet


async def _first_failure(identity: DeviceIdentity, url: str, clock: FakeClock, ears: Ears) -> None:
    connection = SocketConnection(
        Device(replace(identity, websocket=url), random_bytes=os.urandom),
        clock=clock,
        random_bytes=os.urandom,
        tls=tls_context(None),
        report=ears.report,
    )
    task = asyncio.create_task(connection.run())
    await ears.next(Disconnected)
    task.cancel()
    await asyncio.wait({task})


def test_plain_text_to_another_machine_is_refused(
    identity: DeviceIdentity, clock: FakeClock, ears: Ears
) -> None:
    """Before any connection."""
    with pytest.raises(AddressRefused):
        SocketConnection(
            Device(replace(identity, websocket="ws://op.example"), random_bytes=os.urandom),
            clock=clock,
            random_bytes=os.urandom,
            tls=tls_context(None),
            report=ears.report,
        )


async def test_a_second_connection_begins_with_a_new_proof(running: Running) -> None:
    """Each connection has its own nonce."""
    first = await running.connected()
    await first.close(1000)
    await running.ears.next(Disconnected)
    await running.back_off()
    second = await running.service.next()
    claims = await second.authenticate()
    assert claims["iss"] == DEVICE_ID
    assert claims["aud"] == ISSUER
    await second.say(Welcome(DEVICE_ID, NOW_MS))
    await running.ears.next(Connected)


async def test_an_address_that_is_no_websocket_is_not_the_end(
    identity: DeviceIdentity, clock: FakeClock, ears: Ears
) -> None:
    """The phone says so and tries again."""
    await _first_failure(identity, "https://127.0.0.1:9/device/ws", clock, ears)
    assert ears.all(Disconnected)[0].detail == "The service cannot be reached."


async def test_a_pause_ends_with_its_connection(running: Running, bank: ScriptedBank) -> None:
    """A postponed decision begins the next connection and is not sent twice."""
    conversation = await running.connected(bank.offer())
    await running.deny()
    decision = await conversation.hear_decision()
    await conversation.say(refused(decision, reason=RefusalReason.UNAVAILABLE))
    await running.ears.next(DecisionPostponed)
    await running.clock.until_asleep()
    await conversation.close(CloseCode.UNAVAILABLE)
    await running.ears.next(Disconnected)
    running.clock.advance(60)
    conversation = await running.service.next()
    await conversation.welcome()
    assert await conversation.hear_decision() == decision
    await conversation.accept(decision)
    await running.ears.next(Decided)


@pytest.mark.clause("nist63b-3.1.3.1-3", "fapi-ciba-7.7-1")
async def test_the_socket_is_protected_by_tls(
    identity: DeviceIdentity, bank: ScriptedBank, clock: FakeClock, ears: Ears, tmp_path: Path
) -> None:
    """The phone talks to the authority it trusts, and to no other."""
    certificate = await asyncio.to_thread(LoopbackCertificate.write, tmp_path)
    async with ScriptedSocketService(bank, certificate) as service:
        assert service.url.startswith("wss://")
        await _first_failure(identity, service.url, clock, ears)
        assert "not trusted (self-signed" in str(ears.all(Disconnected)[0].detail)
        connection = SocketConnection(
            Device(replace(identity, websocket=service.url), random_bytes=os.urandom),
            clock=clock,
            random_bytes=os.urandom,
            tls=tls_context(certificate.chain),
            report=ears.report,
        )
        task = asyncio.create_task(connection.run())
        await (await service.next()).welcome()
        await ears.next(Connected)
        task.cancel()
        await asyncio.wait({task})


async def test_receipts_are_given_while_there_is_a_connection(
    running: Running, bank: ScriptedBank
) -> None:
    """Received once for each challenge, shown when it is; without a connection never."""
    name = "A" * 22
    token = bank.offer(name)
    await running.connection.tell(Shown(name))
    conversation = await running.connected(token, token)
    await running.connection.tell(Shown(name))
    await running.deny(name)
    await conversation.accept(await conversation.hear_decision())
    assert conversation.receipts == [Received(name), Shown(name)]
