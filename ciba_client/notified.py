"""How a command of a ping or push client hears of the decision (CIBA 10.2, 10.3)."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from ciba_client.client_file import ClientFile, UnusableInput
from ciba_client.listener import ListeningAddress, listening, parse_listening_address
from ciba_client.report import Report
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.notifications.receiver import NotificationReceiver
from ciba_client.sdk.notifications.token import new_notification_token

__all__ = ["Notified", "awaiting_notifications", "registered_address"]


@dataclass(frozen=True, slots=True)
class Notified:
    """Where notifications arrive; or a token alone, which is demanded, where nobody waits."""

    receiver: NotificationReceiver | None = None
    token: str | None = None


@asynccontextmanager
async def awaiting_notifications(
    arguments: argparse.Namespace, settings: ClientFile, report: Report
) -> AsyncIterator[Notified]:
    """Listen meanwhile, if the client is to be notified and waits.

    Raises:
        UnusableInput: it is not known where to listen, or cannot be listened there.
    """
    mode = settings.backchannel_token_delivery_mode or TokenDeliveryMode.POLL
    if arguments.listen is None and mode is TokenDeliveryMode.POLL:
        yield Notified()
    elif arguments.wait:
        receiver = NotificationReceiver()
        address = arguments.listen or registered_address(settings)
        async with listening(receiver, address) as url:
            report.listening(url)
            yield Notified(receiver=receiver)
    elif arguments.listen is None:
        yield Notified(token=new_notification_token())
    else:
        raise UnusableInput("--listen goes with --wait")


def registered_address(settings: ClientFile) -> ListeningAddress:
    """The registered endpoint itself, where it is plain http on this computer."""
    try:
        url = httpx2.URL(settings.backchannel_client_notification_endpoint or "")
        if url.scheme == "http":
            return parse_listening_address(f"{url.host}:{url.port or 80}")
    except (httpx2.InvalidURL, ValueError):
        pass
    raise UnusableInput("a client that waits for notifications needs --listen HOST:PORT")
