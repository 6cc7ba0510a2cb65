"""How evidence is closed: the statement under a key of its own, and that key under the ring.

Whoever erases the sealed key erases the statement; the chain is over what is closed.
"""

from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ciba_service.ports import QueuedRecord, RecordKey
from ciba_service.protocol.jose.encoding import base64url, parse_base64url
from ciba_service.sca.records.evidence import Evidence, EvidenceFacts, Statement
from ciba_service.stores.sealing import Sealer, SealingError

__all__ = ["EvidenceSeals", "SealedEvidence", "parse_record"]

_FORMAT: Final = 1
_TAG: Final = "evidence-user"
_PLACE: Final = "evidence"
# A key closes one statement and nothing else.
_NONCE: Final = bytes(12)


class SealedEvidence(msgspec.Struct, frozen=True):
    """A record as it stands in the chain; ``statement`` is AES-256-GCM in base64url."""

    v: Literal[1]
    user: str
    facts: EvidenceFacts
    statement: str


class EvidenceSeals:
    """Closes and opens evidence under one ring."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def tag(self, subject: str) -> str:
        """The keyed tag of a user."""
        return self._sealer.keyed_hash(_TAG, subject)

    def close(self, evidence: Evidence) -> bytes:
        """What is queued: a ``QueuedRecord``."""
        facts, statement = evidence.facts, evidence.statement
        key, name = self._sealer.new_key(), facts.transaction_id
        closed = AESGCM(key).encrypt(_NONCE, msgspec.json.encode(statement), _bound(name))
        tag = self.tag(statement.subject)
        record = SealedEvidence(_FORMAT, tag, facts, base64url(closed))
        sealed = self._sealer.seal(key, key=_PLACE, name=name, owner=tag)
        return msgspec.json.encode(
            QueuedRecord(
                msgspec.json.encode(record).decode(), RecordKey(name, tag, base64url(sealed))
            )
        )

    def open(self, record: SealedEvidence, key: RecordKey) -> Statement:
        """The statement of a record; raises ``SealingError``."""
        name = record.facts.transaction_id
        try:
            sealed = parse_base64url(key.key)
            opened = self._sealer.open(sealed, key=_PLACE, name=name, owner=record.user)
            closed = parse_base64url(record.statement)
            plaintext = AESGCM(opened).decrypt(_NONCE, closed, _bound(name))
            return msgspec.json.decode(plaintext, type=Statement)
        except (InvalidTag, ValueError) as error:
            raise SealingError("a statement does not open") from error


def parse_record(text: str) -> SealedEvidence:
    """Read what stands in the chain; raises ``ValueError``."""
    return msgspec.json.decode(text, type=SealedEvidence)


def _bound(transaction_id: str) -> bytes:
    return f"ciba-evidence.v1\0{transaction_id}".encode()
