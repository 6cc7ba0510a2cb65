"""The line that an event is written as, and its schema."""

import json
import re
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from ciba_service import protocol
from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    KINDS,
    ClientAuthenticationFailed,
    FactorsLocked,
    RequestObjectRefused,
    SecurityEventBase,
    kind_of,
)
from ciba_service.protocol.security_events.record import (
    LONGEST_TEXT,
    SecurityEventRecord,
    record_of,
    record_schema,
)

NOW = 1_700_000_000_123
DOCUMENT = Path(__file__).parents[4] / "docs" / "security-events.md"
PACKAGE = Path(str(resources.files("ciba_service")))


def example(kind: type[SecurityEventBase]) -> Any:
    """An event of a kind with a value in every field."""
    schema = msgspec.json.schema(kind)
    values = {}
    definition = schema["$defs"][kind.__name__]["properties"]
    for name, expected in definition.items():
        values[name] = kind_of(kind) if name == "kind" else sample(expected, schema["$defs"])
    return msgspec.convert(values, kind)


def sample(expected: dict[str, Any], definitions: dict[str, Any]) -> object:
    """A value that a schema admits."""
    if "$ref" in expected:
        return definitions[expected["$ref"].rpartition("/")[2]]["enum"][0]
    if "anyOf" in expected:
        return sample(expected["anyOf"][0], definitions)
    samples = {"string": "text", "integer": 1, "boolean": True, "array": ["text"]}
    return samples[expected["type"]]


@cache
def made() -> frozenset[str]:
    """Whatever the service calls by a name of its own."""
    calls = re.compile(r"\b([A-Z]\w+)\(")
    texts = (file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if file.name != "kinds.py")
    return frozenset(name for text in texts for name in calls.findall(text))


@cache
def rows() -> tuple[str, ...]:
    """The rows of tables in the document."""
    return tuple(line for line in DOCUMENT.read_text("utf-8").splitlines() if line[:3] == "| `")


@cache
def schema() -> dict[str, Any]:
    """The schema in the package."""
    file = resources.files(protocol) / "security_events" / "schema.json"
    return json.loads(file.read_text("utf-8"))


def line_of(event: Any) -> dict[str, Any]:
    """An event as a receiver of lines reads it."""
    return json.loads(record_of(event, entropy=bytes(16), now=NOW).encoded())


@cache
def validator() -> jsonschema.Draft202012Validator:
    """What holds lines to the schema."""
    return jsonschema.Draft202012Validator(schema())


def test_the_schema_in_the_package_is_that_of_the_code():
    """``ciba-service events schema`` prints what is really written, and it is a schema."""
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema() == json.loads(json.dumps(record_schema()))


@pytest.mark.parametrize("kind", KINDS, ids=kind_of)
def test_every_kind_is_written_as_the_schema_says(kind: type[SecurityEventBase]):
    """With all of its fields, and read back as it was."""
    event = example(kind)
    validator().validate(line_of(event))
    record = record_of(event, entropy=bytes(16), now=NOW)
    assert SecurityEventRecord.decoded(record.encoded()) == record


@pytest.mark.parametrize("kind", KINDS, ids=kind_of)
def test_every_kind_is_documented(kind: type[SecurityEventBase]):
    """docs/security-events.md has a row for it that names its fields."""
    (row,) = [row for row in rows() if row.startswith(f"| `{kind_of(kind)}` ")]
    assert f"| {kind.severity} |" in row
    for name in kind.__struct_fields__:
        assert f"`{name}`" in row


@pytest.mark.parametrize("kind", KINDS, ids=kind_of)
def test_every_kind_is_told_somewhere(kind: type[SecurityEventBase]):
    """No kind is a promise that nothing keeps: some step makes such an event."""
    assert kind.__name__ in made()


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_documented(cause: Cause):
    """docs/security-events.md explains each word."""
    assert any(row.startswith(f"| `{cause}` |") for row in rows())


def test_a_line_says_when_and_how_bad():
    """The time in both forms, the severity of its kind, and no member without a value."""
    assert line_of(FactorsLocked(device_id="phone", user="tag")) == {
        "id": "A" * 22,
        "at": NOW,
        "time": "2023-11-14T22:13:20.123+00:00",
        "severity": "alert",
        "event": {"kind": "factors_locked", "device_id": "phone", "user": "tag"},
    }


def test_texts_are_bounded():
    """Whatever a name is, its line stays short."""
    event = RequestObjectRefused(cause=Cause.CLAIMS, client_id="x" * 10_000)
    assert line_of(event)["event"]["client_id"] == "x" * LONGEST_TEXT


@pytest.mark.parametrize("text", ['"}\n{"kind":"factors_locked"', "\ud800", "\x1b[2J\u2028\u0000"])
def test_nobody_writes_a_line_of_their_own(text: str):
    """Whatever an address claims to be, there is one line of JSON, and it is UTF-8."""
    event = ClientAuthenticationFailed(cause=Cause.CLAIMS, peer=text)
    encoded = record_of(event, entropy=bytes(16), now=NOW).encoded()
    assert b"\n" not in encoded
    assert json.loads(encoded)["event"]["kind"] == "client_authentication_failed"
