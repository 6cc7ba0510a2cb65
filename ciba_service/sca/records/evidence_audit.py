"""Verification of evidence offline: files and public keys in, what is wrong with them out.

Files may come in any order and from several hosts. A record that stands in two files to the letter
is one record: its first writer was ended before it could say that it was done.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.jose.verification import parse_jws, verify_jws
from ciba_service.sca.records.evidence_chain import (
    CHECKPOINT_TYP,
    GENESIS,
    NOTHING,
    ChainHead,
    ChainLine,
    CheckpointClaims,
    CheckpointLine,
    NotCanonicalError,
    checkpoint_hash,
    line_hash,
    parse_line,
)

__all__ = ["Audit", "AuditReport", "Finding"]

_ES256: Final = frozenset({SignatureAlgorithm.ES256})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong; ``place`` says where."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was read and found; ``unsigned`` records stand after the last checkpoint of a file."""

    records: int
    checkpoints: int
    unsigned: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Link:
    previous: str
    hash: str
    place: str


class Audit:
    """Read every file, then conclude."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys
        self._findings: list[Finding] = []
        self._chains: defaultdict[int, dict[int, _Link]] = defaultdict(dict)
        self._checkpoints: defaultdict[str, dict[int, _Link]] = defaultdict(dict)
        self._unsigned = 0

    def read(self, name: str, lines: Iterable[bytes]) -> None:
        """Read one file, line by line, each with its line feed."""
        digest, length, unsigned = hashlib.sha256(), 0, 0
        last: dict[int, int] = {}
        for position, written in enumerate(lines, 1):
            place = f"{name}:{position}"
            try:
                line = _parse(written)
            except NotCanonicalError as error:
                self._find(place, str(error))
                line = None
            if isinstance(line, CheckpointLine):
                self._checkpoint(place, line.checkpoint, digest.hexdigest(), length)
                unsigned = 0
            elif line is not None:
                self._record(place, line, last)
                unsigned += 1
            digest.update(written)
            length += len(written)
        self._unsigned += unsigned

    def conclude(self, heads: Mapping[int, ChainHead] | None = None) -> AuditReport:
        """What was found; with ``heads`` also whether the chains reach as far as they should."""
        for partition, chain in sorted(self._chains.items()):
            self._follow(f"partition {partition}", "record", chain)
        for journal, chain in sorted(self._checkpoints.items()):
            self._follow(f"journal {journal}", "checkpoint", chain)
        if self._chains and not self._checkpoints:
            self._find("all files", "nothing is signed: there is no checkpoint")
        for partition, head in sorted((heads or {}).items()):
            self._reaches(partition, head)
        return AuditReport(
            records=sum(map(len, self._chains.values())),
            checkpoints=sum(map(len, self._checkpoints.values())),
            unsigned=self._unsigned,
            findings=tuple(self._findings),
        )

    def _find(self, place: str, text: str) -> None:
        self._findings.append(Finding(place, text))

    def _record(self, place: str, line: ChainLine, last: dict[int, int]) -> None:
        name = f"record {line.number} of partition {line.partition}"
        expected = line_hash(line.partition, line.number, line.previous, line.record)
        if line.hash != expected:
            self._find(place, f"{name} is not what its hash says")
            return
        if line.number <= last.get(line.partition, 0):
            self._find(place, f"{name} is in the wrong place")
        last[line.partition] = max(line.number, last.get(line.partition, 0))
        known = self._chains[line.partition].setdefault(
            line.number, _Link(line.previous, line.hash, place)
        )
        if known.hash != line.hash:
            self._find(place, f"{name} is another one than at {known.place}")

    def _checkpoint(self, place: str, jws: str, digest: str, length: int) -> None:
        try:
            claims = self._verified(jws)
        except (ValueError, RecursionError):  # of JWS, JSON or UTF-8
            self._find(place, "the checkpoint is not signed by a key that is known")
            return
        if (claims.digest, claims.bytes) != (digest, length):
            self._find(place, f"checkpoint {claims.number} was made over other bytes before it")
        known = self._checkpoints[claims.journal].setdefault(
            claims.number, _Link(claims.previous, checkpoint_hash(jws), place)
        )
        if known.hash != checkpoint_hash(jws):
            self._find(place, f"checkpoint {claims.number} is another one than at {known.place}")

    def _verified(self, text: str) -> CheckpointClaims:
        jws = parse_jws(text)
        verify_jws(jws, keys=self._keys, algorithms=_ES256)
        if jws.header.typ != CHECKPOINT_TYP:
            raise ValueError("it is another object")
        return msgspec.json.decode(jws.payload, type=CheckpointClaims)

    def _follow(self, where: str, what: str, chain: Mapping[int, _Link]) -> None:
        """Each link must follow the one before, from the first on."""
        number, before = 0, NOTHING
        for following in sorted(chain):
            link = chain[following]
            if following > number + 1:
                self._missing(where, what, number + 1, following - 1)
            elif link.previous != before:
                self._find(link.place, f"{what} {following} of {where} follows another one")
            number, before = following, link.hash

    def _reaches(self, partition: int, head: ChainHead) -> None:
        chain = self._chains.get(partition, {})
        last = max(chain, default=GENESIS.number)
        if last < head.number:
            self._missing(f"partition {partition}", "record", last + 1, head.number)
        elif head.number in chain and chain[head.number].hash != head.hash:
            self._find(
                chain[head.number].place,
                f"record {head.number} of partition {partition} is not the one that was written",
            )

    def _missing(self, where: str, what: str, first: int, last: int) -> None:
        numbers = str(first) if first == last else f"{first} to {last}"
        self._find(where, f"{what} {numbers} missing")


def _parse(written: bytes) -> ChainLine | CheckpointLine:
    if not written.endswith(b"\n"):
        raise NotCanonicalError("the line is cut off")
    return parse_line(written[:-1])
