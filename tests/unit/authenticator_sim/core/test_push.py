"""The phone's own push service: what it takes, and what it warns of."""

import secrets
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from joserfc import jws
from joserfc.jwk import ECKey

from authenticator_sim.connection.push_service import LocalPushService
from authenticator_sim.core.events import PushIgnored, Woken
from authenticator_sim.core.identity.push import PushSubscription
from authenticator_sim.loopback import listen_on_loopback
from ciba_service.protocol.push_encryption import encrypted_push, push_key
from tests.unit.authenticator_sim.doubles import Ears, FakeClock
from tests.wire.push_subscription import base64url, from_base64url, point

SERVICE = generate_private_key(SECP256R1())
SERVICE_KEY = base64url(point(SERVICE.public_key()))


def subscription() -> PushSubscription:
    """A new one."""
    return PushSubscription.new(secrets.token_bytes)


class World:
    """A phone's push service, and a service that pushes to it."""

    def __init__(self) -> None:
        self.clock, self.ears, self.subscription = FakeClock(), Ears(), subscription()
        self.listener = listen_on_loopback(0)
        self.push_service = LocalPushService(
            self.listener,
            subscription=self.subscription,
            clock=self.clock,
            random_bytes=secrets.token_bytes,
            report=self.ears.report,
        )
        self.push_service.service_key = SERVICE_KEY

    def vapid(self, *, signer: Any = SERVICE, key: str = SERVICE_KEY, **changed: Any) -> str:
        """Who pushes."""
        now = self.clock.now_ms() // 1000
        origin = f"http://127.0.0.1:{self.push_service.port}"
        claims = {"aud": origin, "exp": now + 3600, "sub": "mailto:a@b.example", **changed}
        token = jws.serialize_compact(
            {"alg": "ES256", "typ": "JWT"},
            httpx2.Response(200, json=claims).content,
            ECKey.import_key(_jwk(signer)),
        )
        return f"vapid t={token}, k={key}"

    def body(self, content: bytes = b"look", to: PushSubscription | None = None) -> bytes:
        """What is pushed."""
        registered = (to or self.subscription).registration(self.push_service.endpoint)
        return encrypted_push(
            content,
            receiver=push_key(from_base64url(registered.p256dh)),
            auth=from_base64url(registered.auth),
            sender=generate_private_key(SECP256R1()),
            salt=secrets.token_bytes(16),
        )

    async def push(self, body: bytes | None = None, **headers: str | None) -> httpx2.Response:
        """Push; a header set to None is left out."""
        given = {
            "authorization": self.vapid(),
            "content-encoding": "aes128gcm",
            "ttl": "180",
            "topic": "t" * 32,
            **headers,
        }
        present = {name: value for name, value in given.items() if value is not None}
        transport = httpx2.ASGITransport(self.push_service.app())
        async with httpx2.AsyncClient(transport=transport) as http:
            return await http.post(
                self.push_service.endpoint,
                content=self.body() if body is None else body,
                headers=present,
            )


def _jwk(key: Any) -> dict[str, Any]:
    private = key.private_numbers()
    numbers = private.public_numbers
    halves = {"x": numbers.x, "y": numbers.y, "d": private.private_value}
    return {
        "kty": "EC",
        "crv": "P-256",
        **{name: base64url(value.to_bytes(32)) for name, value in halves.items()},
    }


@pytest.fixture
def world() -> Any:
    """A phone that sleeps."""
    made = World()
    yield made
    made.listener.close()


async def test_a_push_wakes_the_phone_once(world: World):
    """What comes while it looks is one more look; the answer is that of a push service."""
    answers = [await world.push() for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].headers["ttl"] == "180"
    assert answers[0].headers["location"].startswith(world.push_service.endpoint)
    await world.push_service.next()
    assert len(world.ears.all(Woken)) == 2
    assert not world.push_service._woken.is_set()


WRONG: dict[str, Callable[[World], dict[str, Any]]] = {
    "somebody else": lambda _: {"authorization": "vapid t=a.b.c, k=AAAA"},
    "no pusher": lambda _: {"authorization": None},
    "another signature": lambda world: {
        "authorization": world.vapid(signer=generate_private_key(SECP256R1()))
    },
    "no JWT": lambda _: {"authorization": f"vapid t=a.b.c, k={SERVICE_KEY}"},
    "another push service": lambda world: {"authorization": world.vapid(aud="https://a.example")},
    "too old": lambda world: {"authorization": world.vapid(exp=world.clock.now_ms() // 1000)},
    "too long-lived": lambda world: {
        "authorization": world.vapid(exp=world.clock.now_ms() // 1000 + 86_401)
    },
    "claims that are none": lambda world: {"authorization": world.vapid(exp="soon")},
    "another encoding": lambda _: {"content-encoding": "aesgcm"},
    "no TTL": lambda _: {"ttl": None},
    "a TTL that is none": lambda _: {"ttl": "-1"},
    "topic too long": lambda _: {"topic": "t" * 33},
    "another's": lambda world: {"body": world.body(to=subscription())},
    "something else": lambda world: {"body": world.body(b"look at 100.00 EUR")},
    "garbage": lambda _: {"body": b"g" * 200},
    "a point that is none": lambda world: {
        "body": world.body()[:21] + b"\4" * 65 + world.body()[86:]
    },
    "too short": lambda world: {"body": world.body()[:86]},
    "too long": lambda world: {"body": world.body(b"l" * 4096)},
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_no_push_for_this_phone_is_ignored(world: World, name: str):
    """It is told, answered 400, and wakes nobody."""
    given = WRONG[name](world)
    answer = await world.push(given.pop("body", None), **given)
    assert answer.status_code == 400
    assert len(world.ears.all(PushIgnored)) == 1
    assert world.ears.all(Woken) == []
