"""Whatever wakes phones that have no socket: Web Push, and an operator's own service."""

from ciba_service.channels.wake_up.senders import WakeUpSenders
from ciba_service.channels.wake_up.web_push import WebPush
from ciba_service.channels.wake_up.webhook import Webhook

__all__ = ["WakeUpSenders", "WebPush", "Webhook"]
