"""Many connected phones on one service: enrolled in the store at once, connected one by one."""

import asyncio
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.growth.place import opened
from benchmarks.installed import NO_LIMITS, NOTIFICATION_TOKEN, preset
from benchmarks.speed.servers import _redis
from ciba_service.protocol.jose.keys import parse_verification_key
from ciba_service.sca.messages import SUBPROTOCOL
from ciba_service.sca.phones.devices import Device, new_device_id, user_tag
from tests.ports import free_port
from tests.services.service_process import Installation, Serving, WallClock, installation
from tests.wire.callback_endpoint import CallbackEndpoint, callback_endpoint, outbound_section
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone, WireSocket, _public

__all__ = ["Crowd", "FlowTimes", "crowd"]

_SIDE_BY_SIDE: Final = 24
_ENROLLED_AT_ONCE: Final = 300
_PATIENCE_SECONDS: Final = 30
_ROOM: Final = 500
"""Connections beside those of phones, and a tenth that no phone gets."""


@dataclass(frozen=True)
class FlowTimes:
    """Seconds: from the request to the phone, and from the decision to the client's endpoint."""

    to_phone: float
    to_client: float


@dataclass
class Member:
    """A user with a phone; it decides one request at a time."""

    name: str
    phone: WirePhone
    socket: WireSocket | None = None
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class Crowd:
    """The service, its users, and those of them whose phones are connected."""

    place: Installation
    serving: Serving
    redis: tuple[int, int]
    shop: WireClient
    members: Sequence[Member]
    pinged: dict[str, asyncio.Future[float]] = field(default_factory=dict)
    connected: int = 0
    metrics_url: str = ""

    @property
    def pid(self) -> int:
        """The process of the service."""
        return self.serving.process.pid

    async def connect_up_to(self, number: int) -> None:
        """Connect phones until there are so many."""
        free = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def one(member: Member) -> None:
            async with free:
                member.socket = await _online(member.phone)

        await asyncio.gather(*map(one, self.members[self.connected : number]))
        self.connected = number

    async def flows(self, number: int, rate: float) -> list[FlowTimes]:
        """Requests of any connected users, at this rate."""
        loop = asyncio.get_running_loop()
        begun, tasks = loop.time(), []
        for index in range(number):
            await asyncio.sleep(max(0.0, begun + index / rate - loop.time()))
            member = random.choice(self.members[: self.connected])  # noqa: S311 - any
            tasks.append(asyncio.create_task(self._flow(member)))
        return await asyncio.gather(*tasks)

    async def _flow(self, member: Member) -> FlowTimes:
        """Asked, shown, approved, pinged, and the tokens collected."""
        shop, socket = self.shop, member.socket
        if socket is None:
            raise RuntimeError(f"the phone of {member.name} is not connected")
        async with member.busy, asyncio.timeout(_PATIENCE_SECONDS):
            request = shop.request_object(
                login_hint=member.name, client_notification_token=NOTIFICATION_TOKEN
            )
            form = {**shop.credentials(), "request": request}
            shown = asyncio.create_task(_stamped(socket))
            began = time.perf_counter()
            auth_req_id = (await shop.post("/bc-authorize", form)).json()["auth_req_id"]
            arrived, challenge = await shown
            pinged = self.pinged[auth_req_id] = asyncio.get_running_loop().create_future()
            signed = member.phone.approval(challenge)
            decided = time.perf_counter()
            outcome = await socket.decide(signed)
            if outcome["type"] != "accepted":
                raise RuntimeError(f"an approval was refused: {outcome}")
            brought = await pinged
            tokens = await shop.poll(auth_req_id)
            if "id_token" not in tokens.json():
                raise RuntimeError(f"no tokens: {tokens.text}")
        return FlowTimes(arrived - began, brought - decided)

    async def hear(self, endpoint: CallbackEndpoint) -> None:
        """Note when each callback arrives, until cancelled."""
        while True:
            received = await endpoint.arrivals.get()
            now = time.perf_counter()
            self.pinged.pop(received.json["auth_req_id"]).set_result(now)


@asynccontextmanager
async def crowd(directory: Path, size: int) -> AsyncIterator[Crowd]:
    """A service with so many users, each with a phone that is not yet connected."""
    names = [f"user-{number}" for number in range(size)]
    await asyncio.to_thread(directory.mkdir)
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(_redis(directory))
        endpoint = await stack.enter_async_context(callback_endpoint(directory))
        place = await stack.enter_async_context(installation(directory))
        shop, metrics = _shop(place, endpoint), free_port()
        place.configure(
            users=({"sub": "first", "activation_code": preset(0)}, *({"sub": n} for n in names)),
            clients=[shop],
            server={"max_connections": size * 10 // 9 + _ROOM, "max_sockets": size + _ROOM},
            metrics={"port": metrics},
            store={"url": f"redis://127.0.0.1:{redis[0]}/0"},
            device={"second_secret": False},
            delivery={"callback_delay_ms": 0},
            limits=NO_LIMITS,
            outbound=outbound_section(directory),
        )
        serving = await place.serve()
        stack.push_async_callback(serving.terminate)
        first = await place.phone().enrol(preset(0))
        members = await _enrolled(place, first, names)
        gathered = Crowd(place, serving, redis, shop, members)
        gathered.metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        hearing = asyncio.create_task(gathered.hear(endpoint))
        try:
            yield gathered
        finally:
            hearing.cancel()
            for member in gathered.members[: gathered.connected]:
                if member.socket is not None:
                    member.socket.raw.transport.abort()


def _shop(place: Installation, endpoint: CallbackEndpoint) -> WireClient:
    return WireClient(
        "shop",
        key=place.till.key,
        metadata={
            "backchannel_token_delivery_mode": "ping",
            "backchannel_client_notification_endpoint": endpoint.url,
            "polling_interval": 0,
        },
        issuer=place.issuer,
        clock=place.till.clock,
        http=place.http,
    )


async def _enrolled(
    place: Installation, first: WirePhone, names: Sequence[str]
) -> Sequence[Member]:
    """All with one key, and keys of the service that a phone has learnt which enrolled itself."""
    key = ECKey.generate_key("P-256", private=True)
    jwk = _public(key)
    verification = parse_verification_key(jwk)
    members = []
    async with opened(place.config) as stores:

        async def enrol(name: str) -> Member:
            device = Device(
                device_id=new_device_id(user_tag(name), secrets.token_bytes),
                subject=name,
                name="Phone",
                enrolled_at=time.time_ns() // 1_000_000,
                key=verification,
                pin_key=secrets.token_bytes(32),
                totp_secret="A" * 32,
            )
            operation = secrets.token_urlsafe(16)
            await stores.devices.add(device.tag, device, jwk, further=False, operation=operation)
            phone = WirePhone(
                place.http,
                place.issuer,
                WallClock(),  # type: ignore[arg-type] # as tests of processes have it
                key=key,
                device_id=device.device_id,
                pin_key=device.pin_key,
                service_keys=first.service_keys,
            )
            return Member(name, phone)

        for begin in range(0, len(names), _ENROLLED_AT_ONCE):
            batch = names[begin : begin + _ENROLLED_AT_ONCE]
            members += await asyncio.gather(*map(enrol, batch))
    return members


async def _online(phone: WirePhone) -> WireSocket:
    """A socket that is welcome; nothing was open. The service looks whether it is alive, not we."""
    url = "ws" + phone.issuer.removeprefix("http") + "/device/ws"
    raw = await connect(
        url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        ping_interval=None,
        open_timeout=None,
    )
    hello = json.loads(await raw.recv())
    await raw.send(json.dumps({"type": "authenticate", "proof": phone.proof(hello["nonce"])}))
    while json.loads(await raw.recv())["type"] != "fetched":
        pass
    return WireSocket(raw)


async def _stamped(socket: WireSocket) -> tuple[float, str]:
    challenge = await socket.next("challenge")
    return time.perf_counter(), str(challenge["challenge"])
