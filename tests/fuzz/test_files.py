"""Files that operators write, or put back after a loss: configuration, evidence, keys."""

import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.sca.records.evidence import EvidenceFacts, Outcome, Statement, verify_statement
from ciba_service.sca.records.evidence_audit import Audit
from ciba_service.sca.records.evidence_chain import NotCanonicalError, encode_line, parse_line
from ciba_service.settings import InvalidSettingsError, parse_settings
from ciba_service.stores.service_keys.key_file_access import KeyFileError
from ciba_service.stores.service_keys.key_files import (
    KEYS_FILE,
    RING_FILE,
    generate_keys,
    load_keys,
)
from ciba_service.stores.service_keys.stored_keys import read_keys, read_ring
from tests.evidence_chains import KEYS, WrittenFile
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, altered, any_text, damaged, documents, outcome

CONFIGURATION = (Path(__file__).parents[2] / "ciba.example.toml").read_text(encoding="utf-8")
LINES = CONFIGURATION.splitlines()
ODD_TOML = (
    "1e999",
    "nan",
    "-inf",
    "9" * 5_000,
    "0x" + "f" * 5_000,
    "[" * 20_000,
    "{a=" * 20_000,
    '"\\ud800"',
    '"\\U00110000"',
    "2026-02-31",
    "2026-01-01T25:00:00Z",
    '""',
    "true",
    "[]",
    "{}",
    "-1",
    str(2**63),
    '"' + "a" * 5_000 + '"',
    '"\\u0000"',
)


@st.composite
def _configurations(draw: st.DrawFn) -> str:
    """The example, with another value for one key, or something where nothing belongs."""
    at = draw(st.integers(0, len(LINES) - 1))
    key, equals, _ = LINES[at].partition("=")
    odd = draw(st.one_of(st.sampled_from(ODD_TOML), any_text))
    changed = f"{key}{equals} {odd}" if equals else odd
    return "\n".join([*LINES[:at], changed, *LINES[at + 1 :]])


@fuzzed
@given(
    st.one_of(
        _configurations(),
        any_text,
        damaged(CONFIGURATION.encode()).map(lambda data: data.decode("latin-1")),
    )
)
@example("server = " + "[" * 100_000)
@example("[server]\nport = " + "9" * 5_000)
@example("[" + "a." * 900 + "b]")
@example("a." * 900 + "b = 1")
def test_a_configuration_is_understood_or_what_is_wrong_is_said(text: str) -> None:
    """No text of an operator's ends in a traceback."""
    settings = outcome(parse_settings, InvalidSettingsError)(text, {})
    assert settings is None or settings.server.issuer


@fuzzed
@given(
    st.sampled_from(["CIBA_SERVER__PORT", "CIBA_SERVER__ISSUER", "CIBA_MTLS__PROXIES", "CIBA_A__B"])
    | st.builds(lambda name: f"CIBA_{name}", any_text),
    st.one_of(any_text, st.sampled_from(ODD_TOML)),
)
@example("CIBA_SERVER__PORT", "9" * 5_000)
@example("CIBA_SERVER__PORT", "[" * 100_000)
@example("CIBA_SERVER__ISSUER", "\udcff")
def test_the_environment_is_understood_or_what_is_wrong_is_said(name: str, value: str) -> None:
    """Nor does any variable."""
    outcome(parse_settings, InvalidSettingsError)(CONFIGURATION, {name: value})


WRITTEN = WrittenFile().records(3, "one", "two").checkpoint().records(3, "three").checkpoint()
EVIDENCE = WRITTEN.lines
CHAIN_LINE = msgspec.json.decode(EVIDENCE[0])


@fuzzed
@given(st.one_of(documents(CHAIN_LINE), *map(damaged, EVIDENCE)))
@example(b'{"odd":' + b"[" * 100_000)
@example(b'{"checkpoint":"a","odd":' + b"[" * 100_000)
def test_a_line_of_evidence_is_written_in_one_way(line: bytes) -> None:
    """What is read is what would be written, to the byte."""
    parsed = outcome(parse_line, NotCanonicalError)(line)
    assert parsed is None or encode_line(parsed) == line


@fuzzed
@given(st.lists(st.one_of(st.sampled_from(EVIDENCE), RAW, *map(damaged, EVIDENCE)), max_size=8))
@example([b'{"odd":' + b"[" * 100_000 + b"\n"])
def test_a_changed_file_of_evidence_is_found_out(lines: list[bytes]) -> None:
    """An audit ends with findings, whatever the file has become."""
    audit = Audit(KEYS)
    audit.read("changed", lines)
    report = audit.conclude(WRITTEN.heads)
    assert report.findings or lines[: len(EVIDENCE)] == EVIDENCE


STATEMENT = {
    "subject": "a",
    "device_id": "d",
    "device_key": {},
    "challenge": "a.b.c",
    "decision": "a.b.c",
}
FACTS = EvidenceFacts(
    transaction_id="t", client_id="c", outcome=Outcome.APPROVED, at=1, verified=()
)


@fuzzed
@given(altered(STATEMENT))
def test_a_statement_that_was_changed_proves_nothing(said: Any) -> None:
    """What stands in it is verified, not believed."""
    if not isinstance(said, dict):
        return
    try:
        statement = msgspec.convert(said, Statement)
    except msgspec.ValidationError:
        return
    proven = verify_statement(FACTS, statement, challenge_keys=KEYS)
    assert (proven.by_phone, proven.linked) == (False, False)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys as they are made."""
    made = tmp_path_factory.mktemp("keys")
    generate_keys(made, random=secrets.token_bytes, now=0)
    return made


@fuzzed
@given(st.data())
def test_damaged_files_of_keys_are_told_as_that(directory: Path, data: st.DataObject) -> None:
    """A service does not start with keys that are not what was written."""
    name = data.draw(st.sampled_from([KEYS_FILE, RING_FILE]))
    path = directory / name
    kept = path.read_bytes()
    content = data.draw(st.one_of(documents(msgspec.json.decode(kept)), damaged(kept)))
    try:
        path.write_bytes(content)
        outcome(read_keys, KeyFileError)(directory)
        outcome(read_ring, KeyFileError)(directory)
        outcome(load_keys, KeyFileError)(directory)
    finally:
        path.write_bytes(kept)
