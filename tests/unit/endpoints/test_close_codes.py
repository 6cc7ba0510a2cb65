"""Every way the service ends a phone's socket, and that no other phone notices."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ciba_service.endpoints.device.socket import DeviceSocket, SocketSteps
from ciba_service.ports import Announcement, AnnouncementKind
from ciba_service.sca.messages import SUBPROTOCOL, CloseCode, Fetched, transaction_id
from ciba_service.sca.phones.devices import user_tag
from ciba_service.sca.phones.frame_budget import BURST, FrameBudget
from ciba_service.settings import ServerSettings
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, WireSocket

GARBAGE = {
    "not JSON": "hello",
    "half an object": '{"type": "fetch"',
    "no object": '["fetch"]',
    "null": "null",
    "no type": "{}",
    "unknown type": '{"type": "shout"}',
    "a message of the service": '{"type": "fetched", "open": []}',
    "a missing member": '{"type": "decide"}',
    "a member of another type": '{"type": "decide", "decision": 5}',
    "authenticate again": '{"type": "authenticate", "proof": "a.b.c"}',
    "a decision that is none": '{"type": "decide", "decision": "garbage"}',
    "a decision beyond ASCII": '{"type": "decide", "decision": "é.é.é"}',
    "a decision without claims": '{"type": "decide", "decision": "e30.e30.AAAA"}',
    "a lone surrogate": '{"type": "decide", "decision": "\\ud800"}',
    "deep nesting": "[" * 8_000,
    "deep nesting where nothing looks": '{"type": "fetch", "x": ' + "[" * 8_000,
    "deep nesting that ends": '{"type": "fetch", "x": ' + "[" * 4_000 + "]" * 4_000 + "}",
    "a binary frame": b'{"type": "fetch"}',
    "an empty frame": "",
}


async def end_of(socket: ClientConnection) -> int | None:
    """The close code, once the service has closed."""
    await asyncio.wait_for(socket.wait_closed(), 10)
    return socket.close_code


@asynccontextmanager
async def bystander(service: RunningService) -> AsyncIterator[WireSocket]:
    """Bob's phone, connected before and still served after whatever happens in the block."""
    phone = await service.enrolled_phone("bob")
    async with phone.online() as socket:
        yield socket
        await service.till.started(login_hint="bob")
        challenge = (await socket.next("challenge"))["challenge"]
        assert (await socket.decide(phone.approval(challenge)))["type"] == "accepted"


@pytest.mark.parametrize("frame", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_ends_its_socket_only(
    service: RunningService, phone: WirePhone, frame: str | bytes
):
    """A frame that is none of the phone's messages closes this socket with 4400."""
    async with bystander(service), phone.online() as socket:
        await socket.raw.send(frame)
        assert await end_of(socket.raw) == CloseCode.MALFORMED
        assert socket.raw.close_reason == "malformed"


@pytest.mark.parametrize("frame", ['{"type": "fetch"}', "hello", b"\0"])
async def test_nothing_is_heard_before_authentication(
    service: RunningService, phone: WirePhone, frame: str | bytes
):
    """The first frame must authenticate; any other ends the socket with 4400."""
    async with phone.raw_socket() as socket:
        await socket.send(frame)
        assert await end_of(socket) == CloseCode.MALFORMED
    assert service.telemetry.failures == []


async def test_the_subprotocol_must_be_offered(service: RunningService):
    """A client that does not speak the protocol is accepted, told so with 4400, and closed."""
    url = "ws" + service.issuer.removeprefix("http") + "/device/ws"
    async with connect(url, compression=None) as socket:
        assert await end_of(socket) == CloseCode.MALFORMED
        assert socket.subprotocol is None


async def test_the_subprotocol_is_confirmed(phone: WirePhone):
    """The handshake answers with the one subprotocol there is."""
    async with phone.raw_socket() as socket:
        assert socket.subprotocol == SUBPROTOCOL


BAD_PROOFS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "https://other.example"},
    "a made-up nonce": {"nonce": "A" * 54},
    "no nonce": {"nonce": ""},
    "a body": {"body_hash": "A" * 43},
    "no jti": {"jti": None},
    "iat is no number": {"iat": "now"},
}


@pytest.mark.parametrize("change", BAD_PROOFS.values(), ids=BAD_PROOFS.keys())
@pytest.mark.clause("nist63b-3.2.7-1")
async def test_a_wrong_proof_is_not_authenticated(
    service: RunningService, phone: WirePhone, change: dict[str, Any]
):
    """Whatever is wrong with the session proof, the socket ends with 4401."""
    async with bystander(service), phone.raw_socket() as socket:
        hello = json.loads(await socket.recv())
        proof = phone.proof(**{"nonce": hello["nonce"], **change})
        await socket.send(json.dumps({"type": "authenticate", "proof": proof}))
        assert await end_of(socket) == CloseCode.NOT_AUTHENTICATED


async def test_another_key_is_not_authenticated(service: RunningService, phone: WirePhone):
    """A proof by any key but the enrolled one ends the socket with 4401."""
    thief = service.phone()
    thief.device_id = phone.device_id
    assert await close_code_of_proof(service, thief) == CloseCode.NOT_AUTHENTICATED


@pytest.mark.parametrize("device_id", ["", "short", "A" * 43])
async def test_an_unknown_phone_is_told_to_enrol_anew(service: RunningService, device_id: str):
    """A device id that is not enrolled ends the socket with 4403."""
    stranger = service.phone()
    stranger.device_id = device_id
    assert await close_code_of_proof(service, stranger) == CloseCode.REVOKED


async def close_code_of_proof(service: RunningService, phone: WirePhone) -> int | None:
    """How the service answers this phone's authentication."""
    async with bystander(service), phone.raw_socket() as socket:
        hello = json.loads(await socket.recv())
        proof = phone.proof(hello["nonce"])
        await socket.send(json.dumps({"type": "authenticate", "proof": proof}))
        return await end_of(socket)


async def test_a_proof_is_accepted_once(service: RunningService, phone: WirePhone):
    """A recorded proof does not open a second socket, although its nonce is still young."""
    proof = phone.proof(await phone.nonce())
    async with phone.raw_socket() as first, phone.raw_socket() as second:
        for socket in (first, second):
            await socket.recv()
            await socket.send(json.dumps({"type": "authenticate", "proof": proof}))
        assert json.loads(await first.recv())["type"] == "welcome"
        assert await end_of(second) == CloseCode.NOT_AUTHENTICATED
    assert service.telemetry.named("device_proof_refused")[0].fields == {
        "reason": "the proof was used before"
    }


@pytest.mark.parametrize(("age", "is_welcome"), [(299, True), (300, False)])
async def test_a_nonce_lives_five_minutes(
    service: RunningService, phone: WirePhone, age: int, *, is_welcome: bool
):
    """A proof over an older nonce is not accepted."""
    proof = phone.proof(await phone.nonce())
    service.clock.advance(age)
    async with phone.raw_socket() as socket:
        await socket.recv()
        await socket.send(json.dumps({"type": "authenticate", "proof": proof}))
        if is_welcome:
            assert json.loads(await socket.recv())["type"] == "welcome"
        else:
            assert await end_of(socket) == CloseCode.NOT_AUTHENTICATED


async def announce_revocation(service: RunningService, phone: WirePhone) -> None:
    """What ``devices revoke`` does."""
    assert await service.service.stores.devices.revoke(phone.device_id, now=service.clock.now_ms())
    await service.service.hub.announce(
        Announcement(AnnouncementKind.REVOKED, user_tag("alice"), phone.device_id)
    )


@pytest.mark.clause("nist63b-4.3-1")
async def test_a_revoked_phone_is_disconnected_and_the_others_stay(
    service: RunningService, phone: WirePhone
):
    """Revocation ends the phone's socket with 4403 at once; the user's other phone works on."""
    tablet = await service.enrolled_phone("alice", "Tablet")
    async with phone.online() as lost, tablet.online() as kept:
        await announce_revocation(service, phone)
        assert await end_of(lost.raw) == CloseCode.REVOKED
        await service.till.started()
        challenge = (await kept.next("challenge"))["challenge"]
        assert (await kept.decide(tablet.approval(challenge)))["type"] == "accepted"


@pytest.mark.clause("nist63b-4.3-1")
@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        (AnnouncementKind.OFFER, ""),
        (AnnouncementKind.WITHDRAW, "decided"),
        (AnnouncementKind.ENROLLED, "Tablet"),
        (AnnouncementKind.RESYNC, ""),
        (None, ""),
    ],
    ids=["offered", "withdrawn", "another phone", "everything", "it asks"],
)
async def test_a_revoked_phone_is_told_nothing_although_the_word_was_lost(
    service: RunningService, phone: WirePhone, kind: AnnouncementKind | None, detail: str
):
    """Pub/sub may lose the revocation: whatever the socket would be told next ends it instead."""
    async with bystander(service), phone.online() as socket:
        about = transaction_id(await service.till.started())
        assert (await socket.next("challenge"))["challenge"]
        assert await service.service.stores.devices.revoke(
            phone.device_id, now=service.clock.now_ms()
        )
        if kind is None:
            await socket.send({"type": "fetch"})
        else:
            word = Announcement(kind, user_tag("alice"), about, detail)
            await service.service.hub.announce(word)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.receive(), 10)
        assert socket.raw.close_code == CloseCode.REVOKED


@pytest.mark.clause("nist63b-4.3-1")
async def test_the_silent_socket_of_a_revoked_phone_ends_within_a_minute(
    service: RunningService, phone: WirePhone
):
    """When the word was lost and nothing else is said, a look at the store ends it."""
    async with bystander(service), phone.online() as socket:
        assert await service.service.stores.devices.revoke(
            phone.device_id, now=service.clock.now_ms()
        )
        service.clock.advance(60)
        assert await end_of(socket.raw) == CloseCode.REVOKED


async def test_the_silent_socket_of_an_enrolled_phone_stays(
    service: RunningService, phone: WirePhone
):
    """Minute after minute; and a false word of its revocation changes nothing."""
    async with phone.online() as socket:
        rumour = Announcement(AnnouncementKind.REVOKED, user_tag("alice"), phone.device_id)
        for _ in range(3):
            service.clock.advance(60)
            await service.service.hub.announce(rumour)
            await service.till.started()
            assert (await socket.next("challenge"))["challenge"]


async def test_a_revoked_phone_does_not_come_back(service: RunningService, phone: WirePhone):
    """After its revocation a phone's right proof ends the socket with 4403."""
    await announce_revocation(service, phone)
    assert await close_code_of_proof(service, phone) == CloseCode.REVOKED


async def test_a_silent_client_is_closed(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch
):
    """Whoever does not authenticate in time ends with 4408."""
    assert DeviceSocket.patience.authenticate == 10
    patience = replace(DeviceSocket.patience, authenticate=0.01)
    monkeypatch.setattr(DeviceSocket, "patience", patience)
    async with phone.raw_socket() as socket:
        await socket.recv()
        assert await end_of(socket) == CloseCode.TOO_SLOW
    assert service.telemetry.failures == []


async def test_the_newer_socket_of_a_phone_replaces_the_older(
    service: RunningService, phone: WirePhone
):
    """The older socket ends with 4409; the newer one and other phones work on."""
    async with bystander(service), phone.online() as older:
        service.clock.advance(1)
        async with phone.online() as newer:
            assert await end_of(older.raw) == CloseCode.REPLACED
            await newer.send({"type": "fetch"})
            assert (await newer.receive())["type"] == "fetched"


async def test_of_sockets_opened_in_the_same_moment_the_last_stays(phone: WirePhone):
    """Although the clock tells them no different: all before it end with 4409."""
    async with phone.online() as first, phone.online() as second, phone.online() as third:
        for older in (first, second):
            assert await end_of(older.raw) == CloseCode.REPLACED
        await third.send({"type": "fetch"})
        assert (await third.receive())["type"] == "fetched"


async def test_word_of_an_older_socket_does_not_end_a_newer_one(
    service: RunningService, phone: WirePhone
):
    """An announcement that was long on its way finds the newer socket and passes it by."""
    async with phone.online() as newer:
        late = Announcement(AnnouncementKind.REPLACED, user_tag("alice"), phone.device_id, "0")
        await service.service.hub.announce(late)
        await service.till.started()
        assert (await newer.next("challenge"))["type"] == "challenge"


async def test_a_flood_is_stopped(service: RunningService, phone: WirePhone):
    """More frames than the allowed burst end the socket with 4429."""
    async with bystander(service), phone.online() as socket:
        for _ in range(BURST + 1):
            await socket.send({"type": "fetch"})
        for _ in range(BURST):
            assert (await socket.receive())["type"] == "fetched"
        assert await end_of(socket.raw) == CloseCode.TOO_MANY_FRAMES


def test_a_frame_budget_refills_with_time():
    """After a burst one frame is allowed every tenth of a second, and never more than a burst."""
    budget = FrameBudget()
    assert [budget.spend(0) for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert (budget.spend(99), budget.spend(100)) == (False, True)
    assert sum(budget.spend(3_600_000) for _ in range(BURST + 10)) == BURST


async def test_a_clock_that_goes_back_gives_no_frames():
    """A correction of the host's clock neither refills nor empties a budget."""
    budget = FrameBudget()
    assert budget.spend(10_000)
    assert budget.spend(0)
    assert budget.tokens == BURST - 2


@pytest.mark.parametrize(
    "frame", ["x" * 16_385, b"x" * 100_000, json.dumps({"type": "decide", "decision": "x" * 2**20})]
)
async def test_an_oversized_frame_ends_the_socket(
    service: RunningService, phone: WirePhone, frame: str | bytes
):
    """More than 16 KiB in a frame is not read at all: 1009, as WebSocket has it."""
    async with bystander(service), phone.online() as socket:
        await socket.raw.send(frame)
        assert await end_of(socket.raw) == 1009


async def test_ten_thousand_garbage_frames_harm_nobody(service: RunningService, phone: WirePhone):
    """One socket after the other full of noise ends, and another phone is served throughout."""
    async with bystander(service):
        for number in range(50):
            async with phone.raw_socket() as socket:
                await socket.recv()
                with_noise = [secrets.token_bytes(64) for _ in range(200)]
                await asyncio.gather(
                    *(socket.send(noise if number % 2 else noise.hex()) for noise in with_noise),
                    return_exceptions=True,
                )
                assert await end_of(socket) == CloseCode.MALFORMED
    assert service.telemetry.failures == []


@pytest.mark.parametrize("takes_close", [True, False])
async def test_a_phone_that_reads_nothing_is_let_go(
    service: RunningService, phone: WirePhone, monkeypatch: pytest.MonkeyPatch, *, takes_close: bool
):
    """A phone that does not take its frames is given up with 4408; others are served meanwhile."""
    monkeypatch.setattr(DeviceSocket, "patience", replace(DeviceSocket.patience, send=0.01))
    proof = phone.proof(await phone.nonce())
    frames = [{"type": "websocket.connect"}]
    frames += [
        {"type": "websocket.receive", "text": json.dumps({"type": "authenticate", "proof": proof})}
    ]
    taken = []

    async def receive() -> dict[str, str]:
        return frames.pop(0) if frames else await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        taken.append(message)
        closes = message["type"] == "websocket.close"
        if "fetched" in message.get("text", "") or (closes and not takes_close):
            await asyncio.get_running_loop().create_future()

    scope = {"type": "websocket", "path": "/device/ws", "headers": [], "query_string": b""}
    async with bystander(service):
        await service.service.app({**scope, "subprotocols": [SUBPROTOCOL]}, receive, send)
    assert service.telemetry.named("device_socket_closed")[0].fields == {"close_code": 4408}
    assert taken[-1] == {"type": "websocket.close", "code": 4408, "reason": "too_slow"}


async def test_one_socket_too_many_is_told_to_come_again(
    run_service: ServiceRunner, till: WireClient
):
    """4503 and no hello; the others stay, and when one goes there is room again."""
    async with run_service(clients=[till], sections={"server": {"max_sockets": 1}}) as service:
        phone = await service.enrolled_phone()
        async with phone.online() as socket:
            async with phone.raw_socket() as one_more:
                assert await end_of(one_more) == CloseCode.UNAVAILABLE
            await socket.send({"type": "fetch"})
            assert (await socket.next("fetched"))["open"] == []
        async with asyncio.timeout(10):
            while service.service.hub.connected():  # noqa: ASYNC110 - what is waited for is in the service
                await asyncio.sleep(0)
        async with phone.online() as again:
            assert again.first == []


@pytest.mark.parametrize(("written", "sockets"), [({}, 9_000), ({"max_sockets": 5}, 5)])
def test_clients_find_room_beside_phones(written: dict[str, int], sockets: int):
    """A tenth of all connections is not for sockets, unless it is configured otherwise."""
    server = ServerSettings(issuer="https://bank.example", max_connections=10_000, **written)
    assert server.sockets == sockets


async def test_a_phone_that_went_away_is_no_defect_whoever_notices():
    """One task of a socket meets the end of the connection; what another then sends is no error."""

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send":
            raise OSError

    scope = {"type": "websocket", "path": "/device/ws", "headers": [], "query_string": b""}
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    steps = SocketSteps(None, None, None, None, str)
    endpoint = DeviceSocket(steps, FakeClock(), RecordingTelemetry(), capacity=1)
    for _ in range(2):
        with pytest.raises(WebSocketDisconnect):
            await endpoint._send(socket, Fetched(()))
