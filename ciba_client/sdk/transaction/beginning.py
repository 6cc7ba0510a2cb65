"""What makes a pending authentication of an acknowledgement, for each delivery mode."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from ciba_client.sdk.clock import Clock
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.provider.answers import Acknowledgement
from ciba_client.sdk.transaction.cancellation import CancelEndpoint
from ciba_client.sdk.transaction.pending import PendingAuthentication, Waiting
from ciba_client.sdk.transaction.polling import Polling, Redemption
from ciba_client.sdk.transaction.push import AwaitedPush
from ciba_client.sdk.transaction.receipt import ReceiptEndpoint
from ciba_client.sdk.transaction.token_endpoint import TokenEndpoint

__all__ = ["Beginning"]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Begins to wait, for one client; ``begin`` waits for nothing itself."""

    token_endpoint: TokenEndpoint
    cancel_endpoint: CancelEndpoint
    receipt_endpoint: ReceiptEndpoint
    clock: Clock

    def begin(
        self,
        acknowledgement: Acknowledgement,
        *,
        mode: TokenDeliveryMode,
        sent_at: float,
        issued_after: float | None,
        required_acr: Collection[str],
    ) -> PendingAuthentication:
        """``sent_at`` is of the monotonic clock, ``issued_after`` in seconds since the epoch."""
        auth_req_id = acknowledgement.auth_req_id
        verify = partial(
            self.token_endpoint.verify,
            auth_req_id=auth_req_id,
            required_acr=frozenset(required_acr),
            issued_after=issued_after,
            was_pushed=mode is TokenDeliveryMode.PUSH,
        )
        waiting: Waiting
        if mode is TokenDeliveryMode.PUSH:
            waiting = AwaitedPush(
                expires_at=sent_at + acknowledgement.expires_in,
                parse=partial(self.token_endpoint.parse_push, auth_req_id=auth_req_id),
                verify=verify,
                clock=self.clock,
            )
        else:
            waiting = Polling(
                acknowledgement,
                sent_at=sent_at,
                redemption=Redemption(partial(self.token_endpoint.poll, auth_req_id), verify),
                clock=self.clock,
                awaits_ping=mode is TokenDeliveryMode.PING,
            )
        return PendingAuthentication(
            acknowledgement,
            mode=mode,
            waiting=waiting,
            send_cancellation=partial(self.cancel_endpoint.cancel, auth_req_id),
            fetch_receipt=partial(self.receipt_endpoint.receipt, auth_req_id),
        )
