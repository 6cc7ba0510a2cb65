"""A file of evidence with checkpoints, as a service would write it."""

import hashlib
from dataclasses import dataclass, field

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.jose.signing import SigningKey
from ciba_service.sca.records.evidence_audit import Audit, AuditReport
from ciba_service.sca.records.evidence_chain import (
    CHECKPOINT_TYP,
    GENESIS,
    NOTHING,
    ChainHead,
    CheckpointClaims,
    CheckpointLine,
    chained,
    checkpoint_hash,
    encode_line,
)
from tests.wire.signing import new_key, public_jwk

_KEY = new_key(kid="evidence")
SIGNER = SigningKey(kid="evidence", alg=SignatureAlgorithm.ES256, key=_KEY.private_key)
KEYS = KeySet([parse_verification_key(public_jwk(_KEY))])


@dataclass
class WrittenFile:
    """Lines, and where the chains and the journal stand."""

    journal: str = "journal"
    lines: list[bytes] = field(default_factory=list)
    heads: dict[int, ChainHead] = field(default_factory=dict)
    number: int = 0
    previous: str = NOTHING

    def records(self, partition: int, *records: str) -> "WrittenFile":
        """Go on with a chain."""
        for line in chained(partition, self.heads.get(partition, GENESIS), records):
            self.heads[partition] = ChainHead(line.number, line.hash)
            self.lines.append(encode_line(line) + b"\n")
        return self

    def checkpoint(self, *, typ: str = CHECKPOINT_TYP, **changed: object) -> "WrittenFile":
        """Sign what is there."""
        self.number += 1
        written = b"".join(self.lines)
        members = {
            "iss": "https://op.example",
            "iat": 1,
            "journal": self.journal,
            "number": self.number,
            "previous": self.previous,
            "bytes": len(written),
            "digest": sha256(written),
            **changed,
        }
        jws = SIGNER.sign(typ=typ, claims=CheckpointClaims(**members))
        self.previous = checkpoint_hash(jws)
        self.lines.append(encode_line(CheckpointLine(jws)) + b"\n")
        return self


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def audit(*files: list[bytes], heads: dict[int, ChainHead] | None = None) -> AuditReport:
    """Read files and conclude."""
    reading = Audit(KEYS)
    for number, lines in enumerate(files):
        reading.read(f"file-{number}", lines)
    return reading.conclude(heads)
