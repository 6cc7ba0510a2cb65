"""A chain of evidence: whatever is done to its files is found, and where."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.sca.records.evidence_audit import Finding
from ciba_service.sca.records.evidence_chain import (
    GENESIS,
    ChainHead,
    NotCanonicalError,
    chained,
    encode_line,
    line_hash,
    parse_line,
)
from tests.evidence_chains import WrittenFile, audit, sha256

Lines = list[bytes]


def written() -> WrittenFile:
    """Two partitions, two checkpoints, and two records that are not signed yet."""
    file = WrittenFile().records(7, "a", "b").records(9, "é").checkpoint()
    return file.records(7, "c").checkpoint().records(9, "d", "e")


def texts(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """Place and text of each."""
    return [(each.place, each.text) for each in findings]


def test_what_was_written_verifies():
    """Records, checkpoints and what is not signed yet are counted, and nothing is wrong."""
    report = audit(written().lines)
    assert (report.records, report.checkpoints, report.unsigned) == (6, 2, 2)
    assert report.findings == ()


def test_an_auditor_needs_a_hash_function_and_nothing_of_ours():
    """A line's hash is SHA-256 over five lines of text, in hexadecimal."""
    (line,) = chained(7, ChainHead(3, "ab" * 32), ["record"])
    assert json.loads(encode_line(line)) == {
        "partition": 7,
        "number": 4,
        "previous": "ab" * 32,
        "record": "record",
        "hash": sha256(b"ciba-evidence.v1\n7\n4\n" + b"ab" * 32 + b"\nrecord"),
    }


@given(position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_a_byte_that_is_changed_anywhere_is_found(position: int, flip: int):
    """In records, hashes, names, line feeds or signatures, signed already or not."""
    data = bytearray(b"".join(FILE))
    data[position % len(data)] ^= flip
    assert audit(bytes(data).splitlines(keepends=True)).findings


FILE = written().lines


def test_a_changed_record_is_named():
    """Partition, number and line are told, and that what was signed after it is another file."""
    lines = written().lines
    lines[1] = lines[1].replace(b'"b"', b'"B"')
    assert texts(audit(lines).findings) == [
        ("file-0:2", "record 2 of partition 7 is not what its hash says"),
        ("file-0:4", "checkpoint 1 was made over other bytes before it"),
        ("file-0:6", "checkpoint 2 was made over other bytes before it"),
        ("partition 7", "record 2 missing"),
    ]


@given(start=st.integers(0, 7), end=st.integers(1, 8))
def test_lines_that_are_left_out_are_found(start: int, end: int):
    """Anywhere; at the end of the file by what the store says was written.

    But for the last checkpoint: without it, records that are all there are less well signed.
    """
    file = written()
    left = [*file.lines[:start], *file.lines[max(start, end) :]]
    is_found = left not in (file.lines, [*file.lines[:5], *file.lines[6:]])
    assert bool(audit(left, heads=file.heads).findings) is is_found


def test_a_file_that_ends_too_early_is_found_by_the_heads():
    """The last records of each partition are named."""
    file = written()
    assert texts(audit(file.lines[:5], heads=file.heads).findings) == [
        ("partition 9", "record 2 to 3 missing")
    ]
    assert texts(audit(file.lines[:3], heads=file.heads).findings)[0] == (
        "all files",
        "nothing is signed: there is no checkpoint",
    )


def test_a_line_that_is_cut_off_is_found():
    """Whoever was ended while writing cuts it off at the next start; whoever cut it is found."""
    lines = written().lines
    lines[-1] = lines[-1][:-1]
    assert texts(audit(lines).findings) == [("file-0:8", "the line is cut off")]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (0, 2), (2, 4), (3, 5), (6, 7)])
def test_lines_that_changed_places_are_found(one: int, other: int):
    """Also lines of different chains, by the checkpoint behind them."""
    lines = written().lines
    lines[one], lines[other] = lines[other], lines[one]
    assert audit(lines).findings


def rewritten(lines: Lines) -> Lines:
    """A forger with a hash function makes the whole chain anew, and keeps the checkpoints."""
    forged = WrittenFile().records(7, "a", "B").records(9, "é").lines
    return [*forged, lines[3], *WrittenFile().records(7, "a", "B", "c").lines[2:], *lines[5:]]


def without_checkpoints(lines: Lines) -> Lines:
    """And this one leaves them out."""
    return [line for line in rewritten(lines) if b"checkpoint" not in line]


def spliced(lines: Lines) -> Lines:
    """And this one puts in the signed part of another journal."""
    foreign = WrittenFile("other").records(7, "x", "y").checkpoint().lines
    return [*foreign, *lines]


def twice(lines: Lines) -> Lines:
    """And this one repeats what was signed."""
    return [*lines, lines[3]]


def repeated(lines: Lines) -> Lines:
    """Or a record."""
    return [*lines, lines[7]]


def another_head(lines: Lines) -> Lines:
    """And this one has other records at the end, which are not signed yet."""
    return [*lines[:6], *WrittenFile().records(9, "é", "D", "E").lines[1:]]


@pytest.mark.parametrize(
    "forge", [rewritten, without_checkpoints, spliced, twice, repeated, another_head]
)
def test_a_forged_file_is_found(forge: Callable[[Lines], Lines]):
    """The checkpoints tell, or how far the store says the chains go."""
    file = written()
    assert audit(forge(file.lines), heads=file.heads).findings


def test_a_missing_checkpoint_is_named():
    """They are numbered and chained, too."""
    file = WrittenFile().records(7, "a").checkpoint()
    second = WrittenFile(heads=file.heads, number=1, previous=file.previous)
    third = second.records(7, "b").checkpoint()
    assert audit(file.lines, third.lines).findings == ()
    assert texts(audit(third.lines).findings) == [
        ("partition 7", "record 1 missing"),
        ("journal journal", "checkpoint 1 missing"),
    ]
    stray = WrittenFile(heads=file.heads, number=1, previous="0" * 64).records(7, "b").checkpoint()
    assert ("file-1:2", "checkpoint 2 of journal journal follows another one") in texts(
        audit(file.lines, stray.lines).findings
    )
    assert ("file-1:2", "checkpoint 2 is another one than at file-0:2") in texts(
        audit(third.lines, stray.lines).findings
    )


def test_a_record_that_follows_another_one_is_named():
    """Its own hash is right, and the one before is another."""
    forged = WrittenFile(heads={7: ChainHead(1, "f" * 64)}).records(7, "b").lines
    file = WrittenFile().records(7, "a").checkpoint()
    assert texts(audit(file.lines, forged).findings) == [
        ("file-1:1", "record 2 of partition 7 follows another one")
    ]


def test_a_record_in_two_files_is_one():
    """Whoever takes over from a process that was killed writes the same line."""
    file = WrittenFile().records(7, "a").checkpoint()
    again = WrittenFile("second").records(7, "a", "b").checkpoint()
    report = audit(again.lines, file.lines)
    assert (report.records, report.checkpoints, report.findings) == (2, 2, ())
    other = WrittenFile("third").records(7, "A").checkpoint()
    assert ("file-1:1", "record 1 of partition 7 is another one than at file-0:1") in texts(
        audit(file.lines, other.lines).findings
    )


@pytest.mark.parametrize("changed", [{"typ": "at+jwt"}, {"digest": "0"}, {"bytes": 1}])
def test_a_checkpoint_must_be_one(changed: dict[str, str]):
    """Another object of the same key, or one over other bytes, signs nothing."""
    assert audit(WrittenFile().records(7, "a").checkpoint(**changed).lines).findings


def test_a_partition_that_is_missing_altogether_is_found():
    """The store knows that there was one."""
    file = WrittenFile().records(7, "a").checkpoint()
    found = audit(file.lines, heads={**file.heads, 8: ChainHead(1, "f" * 64)}).findings
    assert texts(found) == [("partition 8", "record 1 missing")]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b'{"checkpoint":7}', b"\xff", b'{"checkpoint": "a.b.c"}', b"nothing"],
)
def test_a_line_is_written_in_one_way(line: bytes):
    """Whatever is no line, or the same line in other words, is refused."""
    with pytest.raises(NotCanonicalError):
        parse_line(line)


@given(records=st.lists(st.text(st.characters(codec="utf-8"))), partition=st.integers(0, 255))
def test_every_record_survives(records: list[str], partition: int):
    """Lines are read as they were written, and each follows the one before."""
    previous = GENESIS.hash
    for number, line in enumerate(chained(partition, GENESIS, records), 1):
        assert parse_line(encode_line(line)) == line
        assert line.hash == line_hash(partition, number, previous, records[number - 1])
        previous = line.hash
