"""Where a phone may be woken, and what its push service is told."""

import msgspec
import pytest

from ciba_service.protocol.outbound.url import parse_outbound_url
from ciba_service.sca.messages import SetWakeUp, WakeUpRefusal, decode_device_message
from ciba_service.sca.phones.wake_up import (
    PushPolicy,
    UnfitAddress,
    is_host_pattern,
    parse_push_address,
    push_topic,
    vapid_claims,
)
from tests.wire.push_subscription import PushSubscription

POLICY = PushPolicy(("push.example", "*.push.apple.example"))
ENDPOINT = "https://push.example/wpush/v2/gAAA?x=1"


def asked(endpoint: str = ENDPOINT, **changed: str) -> SetWakeUp:
    """The message of a phone."""
    message = decode_device_message(
        msgspec.json.encode(PushSubscription().message(endpoint, **changed))
    )
    assert isinstance(message, SetWakeUp)
    return message


@pytest.mark.parametrize(
    "endpoint", [ENDPOINT, "https://web.push.apple.example/a", "https://PUSH.example:8443/a"]
)
def test_an_address_of_a_known_push_service_is_kept_as_it_is(endpoint: str):
    """Host names and domains of the configuration count, in any case and on any port."""
    message = asked(endpoint)
    address = parse_push_address(message, POLICY)
    assert (address.endpoint, address.p256dh) == (endpoint, message.p256dh)
    assert message.auth not in repr(address) + repr(message)
    assert endpoint not in repr(address) + repr(message)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://other.example/a",
        "https://push.example.evil.example/a",
        "https://evilpush.apple.example/a",
        "https://push.apple.example/a",
        "https://push.example@evil.example/a",
        "http://push.example/a",
        "http://127.0.0.1/a",
        "ftp://push.example/a",
        "push.example",
    ],
)
def test_any_other_address_is_refused(endpoint: str):
    """The service pushes to nobody that its operator does not know."""
    with pytest.raises(UnfitAddress) as refused:
        parse_push_address(asked(endpoint), POLICY)
    assert refused.value.reason is WakeUpRefusal.ENDPOINT


def test_this_machine_is_for_development():
    """Without TLS only loopback, and only where that is allowed."""
    policy = PushPolicy((), allow_loopback_http=True)
    assert policy.permits(parse_outbound_url("http://127.0.0.1:8090/push"))
    assert policy.permits(parse_outbound_url("http://localhost:8090/push"))
    assert not policy.permits(parse_outbound_url("http://push.example/push"))
    assert not policy.permits(parse_outbound_url("https://127.0.0.1/push"))


@pytest.mark.parametrize(
    "changed",
    [
        {"p256dh": "A" * 87},
        {"p256dh": "B" + "A" * 86},
        {"p256dh": "B" + "A" * 85 + "B"},
        {"auth": "A" * 21 + "B"},
    ],
    ids=["no point", "not on the curve", "left-over bits of a key", "left-over bits of a secret"],
)
def test_keys_that_are_none_are_refused(changed: dict[str, str]):
    """Nothing could ever be encrypted for them."""
    with pytest.raises(UnfitAddress) as refused:
        parse_push_address(asked(**changed), POLICY)
    assert refused.value.reason is WakeUpRefusal.KEY


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": ""},
        {"endpoint": "https://push.example/" + "a" * 2048},
        {"p256dh": "A" * 86},
        {"p256dh": "A" * 88},
        {"p256dh": "A" * 86 + "="},
        {"auth": "A" * 21},
        {"auth": "A" * 22 + "\n"},
        {"auth": None},
    ],
)
def test_members_are_bounded(changed: dict[str, str]):
    """What has another size is no message at all."""
    members = PushSubscription().message(ENDPOINT) | changed
    with pytest.raises(msgspec.DecodeError):
        decode_device_message(msgspec.json.encode(members))


def test_a_topic_names_one_prompt_on_one_phone():
    """It has 32 characters at most (RFC 8030 5.4), and tells phones of one user apart."""
    topics = {push_topic(phone, name) for phone in ("a", "b") for name in ("x", "y")}
    assert len(topics) == 4
    assert {len(topic) for topic in topics} == {32}
    assert push_topic("a", "x") in topics


def test_who_pushes_is_told_for_one_push_service():
    """The audience is its origin, and the claim is not good for long (RFC 8292 2)."""
    claims = vapid_claims("https://push.example:8443/a?b", contact="mailto:a@b.example", now=100)
    assert claims.aud == "https://push.example:8443"
    assert 100 < claims.exp <= 100 + 86_400
    assert claims.sub == "mailto:a@b.example"


@pytest.mark.parametrize("text", ["push.example", "*.push.example", "127.0.0.1", "localhost"])
def test_hosts_can_be_listed(text: str):
    """Names, addresses and domains."""
    assert is_host_pattern(text)


@pytest.mark.parametrize(
    "text", ["", "*", "*.", "https://push.example", "push.example/", "push.example:443", "PUSH.ex"]
)
def test_what_is_no_host_cannot_be_listed(text: str):
    """It would never match."""
    assert not is_host_pattern(text)
