"""The chain of evidence: lines that each carry the hash of the one before in their partition.

What stands at a number follows from what stood there before and the record alone. Whoever writes a
line twice, or after its lease was lost, therefore writes the same line. A checkpoint is a signature
over all that stands before it in its file.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

__all__ = [
    "CHECKPOINT_TYP",
    "GENESIS",
    "NOTHING",
    "ChainHead",
    "ChainLine",
    "CheckpointClaims",
    "CheckpointLine",
    "NotCanonicalError",
    "chained",
    "checkpoint_hash",
    "encode_line",
    "line_hash",
    "parse_line",
]

CHECKPOINT_TYP: Final = "ciba-evidence-checkpoint+jwt"
NOTHING: Final = "0" * 64
_CHECKPOINT: Final = b'{"checkpoint":'
_PREFIX: Final = "ciba-evidence.v1"


class NotCanonicalError(ValueError):
    """A line that is not written as lines are."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """How far a partition's chain goes: the last number and its hash."""

    number: int
    hash: str


GENESIS: Final = ChainHead(0, NOTHING)
"""Before the first record."""


class ChainLine(msgspec.Struct, frozen=True):
    """One record in its place; all hashes are SHA-256 in lower-case hexadecimal."""

    partition: int
    number: int
    previous: str
    record: str
    hash: str


class CheckpointLine(msgspec.Struct, frozen=True):
    """A JWS over everything before it in its file."""

    checkpoint: str


class CheckpointClaims(msgspec.Struct, frozen=True):
    """``bytes`` is how much of the file it covers, ``digest`` their SHA-256.

    Checkpoints of one ``journal`` are numbered, and each has the hash of the one before.
    """

    iss: str
    iat: int
    journal: str
    number: int
    previous: str
    bytes: int
    digest: str


def line_hash(partition: int, number: int, previous: str, record: str) -> str:
    """What the next line of the partition refers to."""
    text = f"{_PREFIX}\n{partition}\n{number}\n{previous}\n{record}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def chained(partition: int, head: ChainHead, records: Iterable[str]) -> list[ChainLine]:
    """The lines that follow ``head``."""
    lines = []
    number, previous = head.number, head.hash
    for record in records:
        number += 1
        digest = line_hash(partition, number, previous, record)
        lines.append(ChainLine(partition, number, previous, record, digest))
        previous = digest
    return lines


def checkpoint_hash(checkpoint: str) -> str:
    """What the next checkpoint of the journal refers to."""
    return hashlib.sha256(checkpoint.encode("utf-8", "surrogatepass")).hexdigest()


def encode_line(line: ChainLine | CheckpointLine) -> bytes:
    """The one way to write it, without the line feed."""
    return msgspec.json.encode(line)


def parse_line(written: bytes) -> ChainLine | CheckpointLine:
    """Read a line without its line feed; raises ``NotCanonicalError``."""
    line: ChainLine | CheckpointLine
    try:
        if written.startswith(_CHECKPOINT):
            line = msgspec.json.decode(written, type=CheckpointLine)
        else:
            line = msgspec.json.decode(written, type=ChainLine)
    except (ValueError, RecursionError) as error:  # of JSON or UTF-8
        raise NotCanonicalError("it is no line of evidence") from error
    if encode_line(line) != written:
        raise NotCanonicalError("it is written in another way")
    return line
