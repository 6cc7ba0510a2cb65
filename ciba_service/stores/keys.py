"""Every key name in Redis, and which keys may live without a TTL.

The tag in braces decides the slot: what belongs to one transaction shares a partition, what belongs
to one user shares that user's slot, so that each script stays on one slot.
"""

import hashlib
from functools import lru_cache
from typing import Final

from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.sca.phones.devices import UserTag

__all__ = [
    "PARTITIONS",
    "PERSISTENT_KEYS",
    "REPLAY_PARTITIONS",
    "abandoned_key",
    "access_token_key",
    "accesses_key",
    "activation_key",
    "activation_use_key",
    "approval_key",
    "attempt_key",
    "attempts_key",
    "blocks_key",
    "budget_key",
    "chain_key",
    "claim_key",
    "client_change_key",
    "client_tag",
    "code_attempts_key",
    "counted_key",
    "counts_key",
    "denials_key",
    "devices_key",
    "due_key",
    "enrolment_key",
    "evidence_key",
    "fence_key",
    "grant_key",
    "handle_key",
    "handle_use_key",
    "handles_key",
    "health_key",
    "hub_channel",
    "hub_channels",
    "notices_key",
    "operator_sessions_key",
    "otp_key",
    "outbox_claim_key",
    "outbox_due_key",
    "outbox_key",
    "partition_of",
    "pause_key",
    "payment_key",
    "presence_key",
    "prompts_key",
    "recent_events_key",
    "registration_key",
    "registrations_key",
    "removal_key",
    "replay_keys",
    "revocation_key",
    "spent_key",
    "transaction_key",
    "unanswered_key",
    "waiting_device_key",
    "waiting_devices_key",
    "wake_ups_key",
]

PARTITIONS: Final = 256
REPLAY_PARTITIONS: Final = 1_024
"""So many that their hashes stay packed, up to thousands of identifiers a second."""
_HUB: Final = tuple(f"ciba:{{h{number}}}:hub" for number in range(16))

# Locks, attempt counters and blocks without an end must not fade, phones, unused preset codes and
# registered clients are kept until revoked, used or removed, and due work is gone when it is done.
# Evidence waits until it is written to a file, at most EVIDENCE_LIMIT records a partition, and how
# far a chain goes is never forgotten.
PERSISTENT_KEYS: Final = (
    r"ciba:\{p\d+\}:due",
    r"ciba:\{p\d+\}:evidence",
    r"ciba:\{p\d+\}:chain",
    r"ciba:\{u[\w-]+\}:devices",
    r"ciba:\{u[\w-]+\}:wake-ups",
    r"ciba:\{u[\w-]+\}:attempts",
    r"ciba:\{u[\w-]+\}:counts:[\w-]+",
    r"ciba:\{u[\w-]+\}:blocks",
    r"ciba:\{a[\w-]+\}:preset",
    r"ciba:\{c[\w-]+\}:client",
    r"ciba:clients",
)


def partition_of(transaction_id: str) -> int:
    """The partition is the first byte of the transaction id."""
    return _first_byte(transaction_id[:4])


def _first_byte(text: str) -> int:
    """Every key of a transaction asks anew; two characters have the whole first byte."""
    known = _FIRST_BYTES.get(text[:2])
    return parse_base64url(text)[0] if known is None else known


_FIRST_BYTES: Final = {
    base64url(bytes((byte, rest << 4)))[:2]: byte for byte in range(256) for rest in range(16)
}


def transaction_key(transaction_id: str) -> str:
    """Hash: the record of a transaction."""
    return f"ciba:{{p{partition_of(transaction_id)}}}:tx:{transaction_id}"


def grant_key(transaction_id: str) -> str:
    """Hash: what was granted, while its tokens live."""
    return f"ciba:{{p{partition_of(transaction_id)}}}:grant:{transaction_id}"


def access_token_key(transaction_id: str, token_hash: str) -> str:
    """Sealed bytes: an access token of a grant, under its hash, while it lives."""
    return f"ciba:{{p{partition_of(transaction_id)}}}:access:{transaction_id}:{token_hash}"


def payment_key(transaction_id: str) -> str:
    """Text: the operation that executed the payment of a grant."""
    return f"ciba:{{p{partition_of(transaction_id)}}}:payment:{transaction_id}"


def due_key(partition: int) -> str:
    """Sorted set: due work by time."""
    return f"ciba:{{p{partition}}}:due"


def evidence_key(partition: int) -> str:
    """List: evidence that is not in a file yet, in its order."""
    return f"ciba:{{p{partition}}}:evidence"


def chain_key(partition: int) -> str:
    """Hash: n and h, how far the chain of evidence goes; o, u and f: who may go on with it."""
    return f"ciba:{{p{partition}}}:chain"


def abandoned_key(partition: int) -> str:
    """Sorted set: callbacks that were given up, by time; it is bounded, and fades."""
    return f"ciba:{{p{partition}}}:abandoned"


def claim_key(partition: int, operation: str) -> str:
    """List: what a claim leased, for its retry."""
    return f"ciba:{{p{partition}}}:claim:{operation}"


def devices_key(tag: UserTag) -> str:
    """Hash: a user's active phones."""
    return f"ciba:{{u{tag}}}:devices"


def wake_ups_key(tag: UserTag) -> str:
    """Hash: where a user's phones can be woken, sealed; never one of a phone that is revoked."""
    return f"ciba:{{u{tag}}}:wake-ups"


def waiting_devices_key(tag: UserTag) -> str:
    """Sorted set: a user's phones that wait for approval, by when that ends."""
    return f"ciba:{{u{tag}}}:waiting"


def waiting_device_key(tag: UserTag, device_id: str) -> str:
    """Record of a phone that waits for approval."""
    return f"ciba:{{u{tag}}}:waiting:{device_id}"


def approval_key(tag: UserTag, operation: str) -> str:
    """Text: the name of the phone that this operation approved, or rejected."""
    return f"ciba:{{u{tag}}}:approval:{operation}"


def accesses_key(tag: UserTag) -> str:
    """Sorted set: a user's accesses that last, by their end."""
    return f"ciba:{{u{tag}}}:accesses"


def prompts_key(tag: UserTag) -> str:
    """Sorted set: a user's open prompts by expiry."""
    return f"ciba:{{u{tag}}}:prompts"


def notices_key(tag: UserTag) -> str:
    """Sorted set: what happened to a user's phones lately, by time; it is bounded, and fades."""
    return f"ciba:{{u{tag}}}:notices"


def unanswered_key(tag: UserTag) -> str:
    """Sorted set: prompts since the user last approved one, by time."""
    return f"ciba:{{u{tag}}}:unanswered"


def denials_key(tag: UserTag, client_id: str) -> str:
    """Sorted set: the transactions of a client that the user denied, by time."""
    return f"ciba:{{u{tag}}}:denials:{client_tag(client_id)}"


def blocks_key(tag: UserTag) -> str:
    """Hash: until when each client is blocked that the user did not ask for anything."""
    return f"ciba:{{u{tag}}}:blocks"


def attempts_key(tag: UserTag) -> str:
    """Sorted set: the operations whose attempts count, in their order."""
    return f"ciba:{{u{tag}}}:attempts"


def attempt_key(tag: UserTag, operation: str) -> str:
    """Hash: the attempt an operation reserved: its number, its instant, what it would prove."""
    return f"ciba:{{u{tag}}}:attempt:{operation}"


def pause_key(tag: UserTag) -> str:
    """Number: until when the last attempt is not to be had."""
    return f"ciba:{{u{tag}}}:pause"


def code_attempts_key(tag: UserTag, client_id: str) -> str:
    """Sorted set: the operations in which a client presented a code of a user, by time."""
    return f"ciba:{{u{tag}}}:codes:{client_tag(client_id)}"


def otp_key(tag: UserTag, device_id: str) -> str:
    """Number: the last OTP step a phone spent."""
    return f"ciba:{{u{tag}}}:otp:{device_id}"


def spent_key(tag: UserTag, operation: str) -> str:
    """Number: the OTP step an operation spent."""
    return f"ciba:{{u{tag}}}:spent:{operation}"


def counts_key(tag: UserTag, device_id: str) -> str:
    """Hash: the sign counts that the passkeys of a phone have spent; it goes with the phone."""
    return f"ciba:{{u{tag}}}:counts:{device_id}"


def counted_key(tag: UserTag, operation: str) -> str:
    """Number: the sign count an operation spent."""
    return f"ciba:{{u{tag}}}:counted:{operation}"


def removal_key(tag: UserTag, order: str) -> str:
    """Marker: the passkey that this order registered was removed again."""
    return f"ciba:{{u{tag}}}:removal:{order}"


def enrolment_key(tag: UserTag, operation: str) -> str:
    """Text: the phone an operation enrolled."""
    return f"ciba:{{u{tag}}}:enrolment:{operation}"


def revocation_key(tag: UserTag, operation: str) -> str:
    """Marker: this operation has revoked a phone."""
    return f"ciba:{{u{tag}}}:revocation:{operation}"


def activation_key(lookup: str, *, preset: bool) -> str:
    """Hash: an activation code, under its keyed hash."""
    return f"ciba:{{a{lookup}}}:{'preset' if preset else 'code'}"


def activation_use_key(lookup: str, operation: str) -> str:
    """Marker: this operation has used the code."""
    return f"ciba:{{a{lookup}}}:use:{operation}"


def handle_key(lookup: str) -> str:
    """Sealed bytes: whom a login handle was made for, under its keyed hash."""
    return f"ciba:{{l{lookup}}}:handle"


def handles_key(tag: UserTag) -> str:
    """Sorted set: the handles of a user that count, by expiry."""
    return f"ciba:{{u{tag}}}:handles"


def handle_use_key(tag: UserTag, operation: str) -> str:
    """Marker: this operation has used a handle."""
    return f"ciba:{{u{tag}}}:handle:{operation}"


def registration_key(client_id: str) -> str:
    """Hash: a client that registered itself."""
    return f"ciba:{{c{client_tag(client_id)}}}:client"


def client_change_key(client_id: str, operation: str) -> str:
    """Marker: this operation has replaced or removed the client."""
    return f"ciba:{{c{client_tag(client_id)}}}:change:{operation}"


def registrations_key() -> str:
    """Sorted set: who registered, by time; it may name clients that are gone."""
    return "ciba:clients"


def operator_sessions_key(fingerprint: str) -> str:
    """Sorted set: hashes of the sessions that an operator's token was swapped for, by their end."""
    return f"ciba:{{o{fingerprint}}}:sessions"


def presence_key() -> str:
    """Hash: how many phones each process has, and until when it says so; it fades."""
    return "ciba:{presence}:phones"


def recent_events_key() -> str:
    """Sorted set: the last security events of all processes, by number; bounded, and it fades."""
    return "ciba:{events}:recent"


def outbox_due_key(receiver: str) -> str:
    """Sorted set: security events for a receiver, by when they are due; it fades."""
    return f"ciba:{{e{client_tag(receiver)}}}:due"


def outbox_key(receiver: str) -> str:
    """Hash: the security events themselves, by their ids; it is bounded, and fades."""
    return f"ciba:{{e{client_tag(receiver)}}}:events"


def outbox_claim_key(receiver: str, operation: str) -> str:
    """List: what a claim leased, for its retry."""
    return f"ciba:{{e{client_tag(receiver)}}}:claim:{operation}"


def budget_key(name: str) -> str:
    """Sorted set: the operations that count against a budget, under the keyed hash of its name."""
    return f"ciba:{{b{name}}}:budget"


def replay_keys(partition: int) -> tuple[str, str, str, str]:
    """Hashes: who used which identifiers; those before them; and both of those that last long."""
    tag = f"ciba:{{r{partition}}}"
    return f"{tag}:used", f"{tag}:before", f"{tag}:lasting", f"{tag}:lasted"


@lru_cache(maxsize=1024)
def client_tag(client_id: str) -> str:
    """The name of a client in keys: half of a SHA-256 hash."""
    return base64url(hashlib.sha256(client_id.encode("utf-8", "surrogatepass")).digest()[:16])


def health_key() -> str:
    """Nothing is ever there: it is looked for to see whether replicas answer."""
    return "ciba:health"


def fence_key(key: str) -> str:
    """String: written after ``key``, in its slot, so that there is something to wait for."""
    tag, closed, _ = key.partition("{")[2].partition("}")
    return f"ciba:{{{tag if closed and tag else key}}}:fence"


def hub_channel(tag: UserTag) -> str:
    """Sharded channel on which a user's phones are reached."""
    return _HUB[_first_byte(tag[:4]) % len(_HUB)]


def hub_channels() -> tuple[str, ...]:
    """All of them."""
    return _HUB
