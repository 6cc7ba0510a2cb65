"""Which way a phone is woken, and what is made of the answer."""

import secrets
from typing import Any, cast

import pytest

from ciba_service.channels.wake_up import WakeUpSenders, Webhook, WebPush
from ciba_service.ports import (
    OutboundRequest,
    OutboundResponse,
    SignerUnavailable,
)
from ciba_service.ports.phones.wake_up import SleepingPhone, WakeUpCall
from ciba_service.sca.phones.wake_up import PushAddress, PushPolicy
from tests.fake_clock import FakeClock
from tests.wire.push_subscription import PushSubscription

CLOCK = FakeClock()
CALL = WakeUpCall("t" * 22, CLOCK.now_ms() + 180_000)
NAMED = SleepingPhone(
    "named",
    PushAddress(
        "https://push.example/1",
        str(PushSubscription().message("")["p256dh"]),
        str(PushSubscription().message("")["auth"]),
    ),
)
NAMELESS = SleepingPhone("nameless")


class Door:
    """``ports.Outbound`` that answers 201."""

    def __init__(self) -> None:
        self.sent: list[OutboundRequest] = []

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """Note it."""
        self.sent.append(request)
        return OutboundResponse(status=201)


class NoKeys:
    """``ports.KeyRing`` without a key for wake-ups."""

    wake_up_signer = None
    wake_up_key = None


def web_push(door: Door, *hosts: str) -> WebPush:
    """Web Push without a key."""
    return WebPush(
        outbound=door,
        policy=PushPolicy(hosts or ("push.example",)),
        keys=cast("Any", NoKeys()),
        contact="mailto:a@b.example",
        timeout=5.0,
        random=secrets.token_bytes,
        clock=CLOCK,
    )


def webhook(door: Door) -> Webhook:
    """A webhook."""
    return Webhook(outbound=door, url="https://bank.example/wake", token="t0ken", timeout=5.0)


def test_only_phones_that_can_be_woken_are():
    """Web Push needs an address of the phone; a webhook reaches every phone."""
    pushing = WakeUpSenders(web_push(Door()), None)
    assert [pushing.reaches(phone) for phone in (NAMED, NAMELESS)] == [True, False]
    hooked = WakeUpSenders(None, webhook(Door()))
    assert [hooked.reaches(phone) for phone in (NAMED, NAMELESS)] == [True, True]


async def test_a_phone_without_an_address_is_left_to_the_webhook():
    """Where both are configured, each phone is woken in one way."""
    door = Door()
    senders = WakeUpSenders(web_push(door), webhook(door))
    assert await senders.wake(NAMELESS, CALL) == OutboundResponse(status=201)
    (sent,) = door.sent
    assert sent.url == "https://bank.example/wake"
    assert "t0ken" not in repr(sent)


async def test_a_push_service_that_is_not_asked_any_more_is_not_asked():
    """An address that was registered before the operator changed his mind is none."""
    door = Door()
    assert not WakeUpSenders(web_push(door, "other.example"), None).reaches(NAMED)
    senders = WakeUpSenders(web_push(door, "other.example"), webhook(door))
    assert await senders.wake(NAMED, CALL) == OutboundResponse(status=201)
    assert [sent.url for sent in door.sent] == ["https://bank.example/wake"]


def test_a_webhook_says_nothing_of_addresses():
    """Where Web Push is off, an address that a phone named before is neither used nor judged."""
    senders = WakeUpSenders(None, webhook(Door()))
    assert senders.reaches(NAMED)
    assert not senders.uses_address(NAMED)


async def test_without_a_key_nothing_is_pushed():
    """It was configured after the keys were made: to be tried again, not to be sent unsigned."""
    door = Door()
    with pytest.raises(SignerUnavailable):
        await WakeUpSenders(web_push(door), None).wake(NAMED, CALL)
    assert door.sent == []
