"""What the layer does with a request: lets it in, makes it wait, or refuses it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ciba_service.listening.admission.addresses import Addresses, Origin
from ciba_service.listening.admission.failures import FailureGuard
from ciba_service.listening.admission.gate import Gate, GateBounds, Shed
from ciba_service.listening.admission.layer import Admission, refuse
from ciba_service.listening.admission.place import place_of
from ciba_service.listening.admission.strangers import Strangers
from ciba_service.ports.admission import NOWHERE
from ciba_service.protocol.admission.failures import FailureBuckets
from ciba_service.protocol.client.certificates.proxies import TrustedProxies
from tests.services.recording_telemetry import RecordingTelemetry

START = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b""}


def gate(places: int = 1, waiting: int = 0) -> Gate:
    """A gate with few places."""
    bounds = GateBounds(requests=places, waiting=waiting, wait_seconds=0.25)
    return Gate(bounds, RecordingTelemetry())


class Exchange:
    """One request whose body comes when the test says so."""

    def __init__(self, app: ASGIApp, **scope: Any) -> None:
        self.scope: Scope = {
            "type": "http", "method": "POST", "path": "/token", "client": ("192.0.2.1", 1),
            "headers": [], **scope,
        }  # fmt: skip
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.asked = 0
        self.sent: list[Message] = []
        self.app = app

    def body(self, data: bytes = b"", *, more: bool = False) -> "Exchange":
        """Part of the body comes."""
        self.incoming.put_nowait({"type": "http.request", "body": data, "more_body": more})
        return self

    async def receive(self) -> Message:
        """As ASGI."""
        self.asked += 1
        return await self.incoming.get()

    async def send(self, message: Message) -> None:
        """As ASGI."""
        self.sent.append(message)

    async def run(self) -> "Exchange":
        """To its end."""
        await self.app(self.scope, self.receive, self.send)
        return self


class Working:
    """An application that reads the body, works until it is let go, and answers."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.begun = 0
        self.is_done = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        more = scope["type"] == "http"
        while more:
            message = await receive()
            self.read.append(message["body"])
            more = message["more_body"]
        if not await place_of(scope).begin():
            await refuse(send)
            return
        self.begun += 1
        await self.is_done.wait()
        await send(START)
        await send(END)


async def settled(reached: Callable[[], bool]) -> None:
    """Let tasks go on until this is so."""
    async with asyncio.timeout(10):
        while not reached():  # noqa: ASYNC110 - of tasks of this loop
            await asyncio.sleep(0)


async def test_without_a_place_the_answer_is_503_before_the_body_is_read():
    """It says when to come again, and the application hears nothing of it."""
    work, one = Working(), gate()
    layer = Admission(work, one, open_paths=())
    one.enter()
    refused = [await Exchange(layer).run() for _ in range(4)]
    assert work.read == []
    assert all(not each.asked for each in refused)
    start, end = refused[0].sent
    headers = dict(start["headers"])
    assert start["status"] == 503
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"cache-control"] == b"no-store"
    assert int(headers[b"content-length"]) == len(end["body"])
    assert json.loads(end["body"]) == {
        "error": "temporarily_unavailable",
        "error_description": "The service is temporarily unavailable.",
    }
    seconds = [dict(each.sent[0]["headers"])[b"retry-after"] for each in refused]
    assert set(seconds) == {b"1", b"2", b"3"}  # in turn, wherever it stood


async def test_a_place_is_taken_for_the_work_alone():
    """From the body to the head of the answer."""
    work, one = Working(), gate()
    exchange = Exchange(Admission(work, one, open_paths=()))
    serving = asyncio.create_task(exchange.run())
    await settled(lambda: bool(exchange.asked))
    assert one.in_work == 0
    exchange.body(b"form")
    await settled(lambda: work.read == [b"form"])
    assert one.in_work == 1
    work.is_done.set()
    await serving
    assert exchange.sent == [START, END]
    assert one.in_work == 0


async def test_whoever_sends_slowly_holds_up_nobody():
    """The rest of a body is awaited without a place."""
    work, one = Working(), gate()
    layer = Admission(work, one, open_paths=())
    slow = Exchange(layer).body(b"fo", more=True)
    serving = asyncio.create_task(slow.run())
    await settled(lambda: slow.asked == 2)
    assert one.in_work == 0
    slow.body(b"r", more=True).body(b"m")
    await settled(lambda: work.read == [b"fo", b"r", b"m"])
    assert one.in_work == 1
    work.is_done.set()
    await serving
    assert one.in_work == 0


async def test_two_that_read_at_once_do_not_work_at_once():
    """Who finds the place taken once its body is there is refused then, or waits."""
    for waiting, statuses in ((0, {200, 503}), (1, {200})):
        work, one = Working(), gate(waiting=waiting)
        layer = Admission(work, one, open_paths=())
        exchanges = [Exchange(layer), Exchange(layer)]
        tasks = [asyncio.create_task(each.run()) for each in exchanges]
        await settled(lambda exchanges=exchanges: all(each.asked for each in exchanges))
        for each in exchanges:
            each.body(b"form")
        await settled(lambda work=work: len(work.read) == 2)
        assert (one.in_work, work.begun) == (1, 1)
        work.is_done.set()
        await asyncio.gather(*tasks)
        assert {each.sent[0]["status"] for each in exchanges} == statuses
        assert one.in_work == 0


async def test_what_has_no_body_takes_its_place_at_the_head():
    """It is refused, or waits, before the application hears of it."""
    work, one = Working(), gate(waiting=1)
    layer = Admission(work, one, open_paths=())
    one.enter()
    waiting = Exchange(layer, method="GET").body()
    serving = asyncio.create_task(waiting.run())
    await settled(lambda: one.waiting == 1)
    assert work.read == []
    refused = await Exchange(layer, method="GET").run()
    assert refused.sent[0]["status"] == 503
    work.is_done.set()
    one.leave()
    await serving
    assert waiting.sent == [START, END]
    assert one.in_work == 0


async def test_what_waits_in_vain_for_its_place_is_refused_by_the_layer():
    """A request without a body is never begun then; its connection goes on."""
    bounds, now = GateBounds(requests=1, waiting=1, wait_seconds=0.25), [0.0]
    one = Gate(bounds, RecordingTelemetry(), now=lambda: now[0])
    one.enter()
    work = Working()
    late = Exchange(Admission(work, one, open_paths=()), method="GET")
    serving = asyncio.create_task(late.run())
    await settled(lambda: one.waiting == 1)
    now[0] = 1.0
    one.look(0.0, 0.1)
    start = (await serving).sent[0]
    assert start["status"] == 503
    assert b"connection" not in dict(start["headers"])
    assert work.read == []


async def test_what_follows_the_head_of_an_answer_takes_no_place():
    """A stream of events may go on for as long as it likes."""

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        place = place_of(scope)
        await receive()
        assert await place.begin()
        await send(START)
        assert one.in_work == 0
        with place.aside():
            assert one.in_work == 0
        assert place.proven("till")
        await send(END)

    one = gate()
    exchange = await Exchange(Admission(streaming, one, open_paths=())).body().run()
    assert exchange.sent == [START, END]
    assert one.in_work == 0


async def test_whoever_waits_aside_takes_no_place_and_comes_back():
    """Even where all places were given away meanwhile."""

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert await place_of(scope).begin()
        with place_of(scope).aside():
            assert one.in_work == 0
            one.enter()
        assert one.in_work == 2
        await send(START)

    one = gate()
    await Exchange(Admission(waiting, one, open_paths=())).body().run()
    assert one.in_work == 1


async def test_a_client_that_comes_back_has_its_share_again():
    """And gives it back once, with its place; one beyond its share is refused, and counted."""

    async def proving(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        place = place_of(scope)
        assert await place.begin()
        answers.append(place.proven("till"))
        with place.aside():
            answers.append(one.shares.enter("till", "192.0.2.1", places=1, crowded=True))
            one.shares.leave("till")
        answers.append(one.shares.enter("till", "192.0.2.1", places=1, crowded=True))
        await send(START)
        answers.append(one.shares.enter("till", "192.0.2.1", places=1, crowded=True))

    answers: list[bool] = []
    one = gate()
    await Exchange(Admission(proving, one, open_paths=())).body().run()
    assert answers == [True, True, False, True]


async def test_whoever_is_beyond_its_share_is_refused_and_counted():
    """Its place is given back all the same."""

    async def proving(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        assert await place_of(scope).begin()
        assert not place_of(scope).proven("till")
        await send(START)

    shed: list[Shed] = []
    bounds = GateBounds(requests=1, waiting=0, wait_seconds=0.25)
    one = Gate(bounds, RecordingTelemetry(), on_shed=shed.append)
    for client_id in ("till", "shop"):
        assert one.shares.enter(client_id, "192.0.2.1", places=1, crowded=False)
    await Exchange(Admission(proving, one, open_paths=())).body().run()
    assert (shed, one.in_work) == ([Shed.SHARE], 0)


@pytest.mark.parametrize(
    ("extensions", "kinds"),
    [
        ({}, ["websocket.close"]),
        (
            {"websocket.http.response": {}},
            ["websocket.http.response.start", "websocket.http.response.body"],
        ),
    ],
)
async def test_a_socket_beyond_the_part_of_its_address_is_refused_and_counted(
    extensions: dict[str, Any], kinds: list[str]
):
    """The application never hears of it; another address has a part of its own."""
    shed: list[Shed] = []
    bounds = GateBounds(requests=1, waiting=0, wait_seconds=0.25)
    one = Gate(bounds, RecordingTelemetry(), on_shed=shed.append)
    opened: list[Scope] = []

    async def phone(scope: Scope, _receive: Receive, _send: Send) -> None:
        opened.append(scope)

    layer = Admission(phone, one, open_paths=(), strangers=Strangers(16))
    scope = {"type": "websocket", "extensions": extensions}
    assert (await Exchange(layer, **scope).run()).sent == []
    second = await Exchange(layer, **scope).run()
    assert [message["type"] for message in second.sent] == kinds
    assert (len(opened), shed) == (1, [Shed.SHARE])
    await Exchange(layer, **scope, client=("192.0.2.2", 1)).run()
    assert (len(opened), shed) == (2, [Shed.SHARE])


async def test_whoever_failed_too_often_is_told_when_to_come_again():
    """429, on a connection that ends with it; nothing else counts, and nobody else is refused."""
    status, now = 401, 100.0
    begun: list[str] = []

    async def failing(scope: Scope, _receive: Receive, send: Send) -> None:
        begun.append(scope["client"][0])
        await send({**START, "status": status})
        await send(END)

    buckets = FailureBuckets(burst=1, window=60.0)
    guard = FailureGuard(buckets, status=400, now=lambda: now)
    layer = Admission(failing, gate(), open_paths=(), guards={"/token": guard})
    for status in (401, 400):
        answer = await Exchange(layer).body().run()
        assert answer.sent[0]["status"] == status
    refused = await Exchange(layer).run()
    headers = dict(refused.sent[0]["headers"])
    assert (refused.sent[0]["status"], headers[b"connection"]) == (429, b"close")
    assert (headers[b"retry-after"], refused.asked) == (b"60", 0)
    await Exchange(layer, client=("192.0.2.2", 1)).body().run()
    await Exchange(layer, path="/elsewhere").body().run()
    now += 60
    await Exchange(layer).body().run()
    one, other = "192.0.2.1", "192.0.2.2"
    assert begun == [one, one, other, one, one]


@pytest.mark.parametrize("kind", ["switched off", "excused", "many behind one address"])
async def test_failures_keep_out_nobody_who_is_not_to_be_blamed(kind: str):
    """The operator's word, an earlier success, or a proxy that does not tell who it is."""
    buckets = FailureBuckets(burst=1, window=60.0)
    guard = FailureGuard(
        buckets,
        status=400,
        refuses=kind != "switched off",
        is_excused=lambda address: kind == "excused" and address == "192.0.2.1",
        now=lambda: 100.0,
    )
    origin = Origin("192.0.2.1", is_one=kind != "many behind one address")
    guard.answered(origin, 400)
    assert guard.wait(origin) == 0
    assert guard.wait(Origin("192.0.2.2", is_one=True)) == 0


async def test_a_request_that_fails_leaves_its_place():
    """Whatever escapes the application."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        del send
        await receive()
        assert await place_of(scope).begin()
        assert one.in_work == 1
        raise ValueError("work")

    one = gate()
    with pytest.raises(ValueError, match="work"):
        await Exchange(Admission(failing, one, open_paths=())).body().run()
    assert one.in_work == 0


async def test_a_client_counts_once_a_request():
    """However often it is asked who it is; and it counts no more when the request is done."""

    async def proving(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        place = place_of(scope)
        assert await place.begin()
        assert await place.begin()
        answers.extend([place.proven("till"), place.proven("till")])
        await send(START)

    answers: list[bool] = []
    one = gate(places=1)
    for _ in range(2):
        await Exchange(Admission(proving, one, open_paths=())).body().run()
    assert answers == [True] * 4


async def test_a_limit_that_falls_refuses_nobody_who_was_let_in():
    """A client that is alone has all places there were."""

    async def proving(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        place = place_of(scope)
        assert await place.begin()
        await has_fallen.wait()
        answers.append(place.proven("till"))
        await all_proven.wait()
        await send(START)

    answers: list[bool] = []
    one, has_fallen, all_proven = gate(places=5), asyncio.Event(), asyncio.Event()
    layer = Admission(proving, one, open_paths=())
    tasks = [asyncio.create_task(Exchange(layer).body().run()) for _ in range(5)]
    await settled(lambda: one.in_work == 5)
    one.limit = 1
    has_fallen.set()
    await settled(lambda: len(answers) == 5)
    all_proven.set()
    await asyncio.gather(*tasks)
    assert all(answers)


async def test_what_watches_the_service_is_let_in_always():
    """Paths that are open, sockets, and the lifespan."""
    work, one = Working(), gate()
    work.is_done.set()
    layer = Admission(work, one, open_paths=("/healthz",))
    one.enter()
    for scope in ({"path": "/healthz"}, {"type": "websocket"}, {"type": "lifespan"}):
        exchange = await Exchange(layer, **scope).body().run()
        assert exchange.sent == [START, END]


async def test_a_request_on_a_unix_socket_has_its_turn_as_well():
    """It has no address."""
    work, one = Working(), gate()
    work.is_done.set()
    exchange = await Exchange(Admission(work, one, open_paths=()), client=None).body().run()
    assert exchange.sent == [START, END]


async def test_elsewhere_nothing_is_bounded():
    """An endpoint below another server works without the layer."""
    place = place_of({})
    assert place is NOWHERE
    assert await place.begin()
    with place.aside():
        assert place.proven("till")


async def test_who_waits_to_be_told_to_send_is_told_to_go():
    """Whether the body would still come nobody could know; so nothing else comes."""
    one = gate()
    one.enter()
    exchange = Exchange(
        Admission(Working(), one, open_paths=()), headers=[(b"expect", b"100-continue")]
    )
    assert (b"connection", b"close") in (await exchange.run()).sent[0]["headers"]


async def test_the_protocol_may_refuse_what_the_layer_would():
    """The same answer, whole, and counted alike; nothing where one may still wait.

    Whoever comes again does so on the same connection, which costs less than a new one.
    """
    shed: list[Shed] = []
    bounds = GateBounds(requests=1, waiting=1, wait_seconds=0.25)
    one = Gate(bounds, RecordingTelemetry(), on_shed=shed.append)
    layer = Admission(Working(), one, open_paths=())
    assert not layer.is_crowded
    layer.lets_pass("192.0.2.1")
    one.enter()
    assert layer.turn_away("192.0.2.1") is None
    layer.lets_pass("192.0.2.1")
    layer.lets_pass(None)
    assert layer.turn_away("192.0.2.1") is not None
    shed.clear()
    await asyncio.sleep(0)
    assert layer.is_crowded
    assert layer.turn_away("192.0.2.1") is None
    waiting = asyncio.create_task(one.let_in("192.0.2.1"))
    await settled(lambda: one.waiting == 1)
    answer = layer.turn_away("192.0.2.1")
    assert answer is not None
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"retry-after: " in head
    assert b"connection: " not in head
    assert json.loads(body)["error"] == "temporarily_unavailable"
    assert shed == [Shed.FULL]
    waiting.cancel()


async def test_whoever_sends_most_at_once_is_turned_away_first():
    """Those who are about to begin count by their address: one of another still finds room."""
    one = gate(waiting=1)
    one.enter()
    layer = Admission(Working(), one, open_paths=())
    for _ in range(3):
        layer.lets_pass("192.0.2.1")
    assert layer.turn_away("192.0.2.1") is not None
    assert layer.turn_away("192.0.2.2") is None


async def test_behind_a_proxy_that_tells_the_head_is_read_first():
    """Whose turn it is stands there."""
    one = gate()
    one.enter()
    proxies = Addresses(TrustedProxies.parse(["10.0.0.0/8"]), "x-real-ip")
    layer = Admission(Working(), one, open_paths=(), addresses=proxies)
    assert layer.turn_away("10.1.2.3") is None
    layer.lets_pass("10.1.2.3")
    assert layer.turn_away("192.0.2.1") is not None
