"""Waking phones: what of it is configured."""

from ciba_service.channels.wake_up import WakeUpSenders, Webhook, WebPush
from ciba_service.flow.account_gate import AccountGate
from ciba_service.flow.due.wake_up_addresses import WakeUpAddresses
from ciba_service.flow.due.wake_ups import WakeUps
from ciba_service.ports import Outbound
from ciba_service.sca.phones.wake_up import PushPolicy
from ciba_service.settings import Settings
from ciba_service.wiring.service_keys import ServiceKeys
from ciba_service.wiring.stores import Stores
from ciba_service.wiring.surroundings import Surroundings

__all__ = ["build_wake_up_addresses", "build_wake_ups"]


def build_wake_ups(
    settings: Settings,
    stores: Stores,
    keys: ServiceKeys,
    surroundings: Surroundings,
    *,
    outbound: Outbound,
    gate: AccountGate,
) -> WakeUps | None:
    """What wakes phones; None where nothing does."""
    if not settings.wake_up.is_on:
        return None
    return WakeUps(
        wake_up=_senders(settings, keys, surroundings, outbound=outbound),
        store=stores.wake_ups,
        due=stores.due,
        gate=gate,
        grace=settings.wake_up.grace_ms,
        timeout=settings.wake_up.answer_timeout_ms,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )


def build_wake_up_addresses(
    settings: Settings, stores: Stores, keys: ServiceKeys, surroundings: Surroundings
) -> WakeUpAddresses:
    """What phones say of where they can be woken."""
    return WakeUpAddresses(
        policy=_push_policy(settings) if settings.wake_up.web_push else None,
        store=stores.wake_ups,
        devices=stores.devices,
        keys=keys,
        telemetry=surroundings.telemetry,
    )


def _push_policy(settings: Settings) -> PushPolicy:
    return PushPolicy(
        settings.wake_up.push_hosts, allow_loopback_http=settings.outbound.allow_loopback_http
    )


def _senders(
    settings: Settings, keys: ServiceKeys, surroundings: Surroundings, *, outbound: Outbound
) -> WakeUpSenders:
    wake_up, web_push, webhook = settings.wake_up, None, None
    timeout = wake_up.answer_timeout_ms / 1000
    if wake_up.web_push and wake_up.contact is not None:
        web_push = WebPush(
            outbound=outbound,
            policy=_push_policy(settings),
            keys=keys,
            contact=wake_up.contact,
            timeout=timeout,
            random=surroundings.random,
            clock=surroundings.clock,
        )
    if wake_up.webhook_url is not None and wake_up.webhook_token is not None:
        webhook = Webhook(
            outbound=outbound,
            url=wake_up.webhook_url,
            token=wake_up.webhook_token,
            timeout=timeout,
        )
    return WakeUpSenders(web_push, webhook)
