"""Web Push: the service of the phone's platform wakes it (RFC 8030), and learns nothing else."""

from typing import Final

from ciba_service.ports import (
    Clock,
    KeyRing,
    Outbound,
    OutboundFailure,
    OutboundMethod,
    OutboundRequest,
    OutboundResponse,
    Randomness,
    SignerUnavailable,
)
from ciba_service.ports.phones.wake_up import WakeUpCall
from ciba_service.protocol.jose.encoding import parse_base64url
from ciba_service.protocol.jose.signing import compact_jws, jws_signing_input
from ciba_service.protocol.outbound.url import parse_outbound_url
from ciba_service.protocol.push_encryption import (
    PUSH_ENCODING,
    encrypted_push,
    ephemeral_key,
    push_key,
)
from ciba_service.sca.messages import WAKE_UP_CONTENT
from ciba_service.sca.phones.wake_up import PushAddress, PushPolicy, push_topic, vapid_claims

__all__ = ["WebPush"]

_SALT_BYTES: Final = 16
_OCTETS: Final = "application/octet-stream"


class WebPush:
    """Pushes by addresses that phones registered; ``timeout`` is in seconds.

    ``contact`` is whom a push service turns to (RFC 8292 2.1); ``policy`` says which are asked.
    """

    def __init__(
        self,
        *,
        outbound: Outbound,
        policy: PushPolicy,
        keys: KeyRing,
        contact: str,
        timeout: float,
        random: Randomness,
        clock: Clock,
    ) -> None:
        self._outbound = outbound
        self._policy = policy
        self._keys = keys
        self._contact = contact
        self._timeout = timeout
        self._random = random
        self._clock = clock

    def pushes_to(self, address: PushAddress) -> bool:
        """Whether its push service is asked, now that the phone registered it some time ago."""
        return self._policy.permits(parse_outbound_url(address.endpoint))

    async def push(
        self, device_id: str, address: PushAddress, call: WakeUpCall
    ) -> OutboundResponse | OutboundFailure:
        """Push once; raises ``SignerUnavailable``."""
        left = call.expires_at - self._clock.now_ms()
        request = OutboundRequest(
            method=OutboundMethod.POST,
            url=address.endpoint,
            deadline=self._timeout,
            maximum_body=None,
            content_type=_OCTETS,
            authorization=await self._authorization(address),
            headers=(
                ("Content-Encoding", PUSH_ENCODING),
                ("TTL", str(max(1, left // 1000))),
                ("Urgency", "high"),
                ("Topic", push_topic(device_id, call.transaction_id)),
            ),
            body=self._sealed(address),
        )
        return await self._outbound.send(request)

    async def _authorization(self, address: PushAddress) -> str:
        """Who pushes (RFC 8292 3)."""
        signer, key = self._keys.wake_up_signer, self._keys.wake_up_key
        if signer is None or key is None:
            raise SignerUnavailable("there is no key for wake-ups")
        claims = vapid_claims(
            address.endpoint, contact=self._contact, now=self._clock.now_ms() // 1000
        )
        data = jws_signing_input(kid=signer.kid, alg=signer.alg, typ="JWT", claims=claims)
        return f"vapid t={compact_jws(data, await signer.signature(data))}, k={key}"

    def _sealed(self, address: PushAddress) -> bytes:
        return encrypted_push(
            WAKE_UP_CONTENT,
            receiver=push_key(parse_base64url(address.p256dh)),
            auth=parse_base64url(address.auth),
            sender=ephemeral_key(self._random),
            salt=self._random(_SALT_BYTES),
        )
