"""Schema and AsyncAPI document of the device protocol say what the code sends and accepts."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ciba_service.sca.messages import decode_device_message, decode_service_message
from tests.wire.device_frames import is_valid
from tools.asyncapi import ANSWERS, DOCUMENT, asyncapi_text
from tools.device_schema import PHONE_MESSAGES, SCHEMA, SERVICE_MESSAGES, schema_text
from tools.yaml_files import read_yaml

ANYTHING = st.booleans() | st.integers(-10, 10) | st.text(max_size=4) | st.just([]) | st.just({})
UNHURRIED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
DEFINITIONS = json.loads(schema_text())["$defs"]


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Whatever a schema allows."""
    match schema:
        case {"$ref": reference}:
            return values(DEFINITIONS[reference.rpartition("/")[2]])
        case {"enum": members}:
            return st.sampled_from(members)
        case {"anyOf": ways}:
            return st.one_of(map(values, ways))
        case {"type": name}:
            return OF_TYPE[name](schema)
    return ANYTHING


def lists(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Short lists."""
    return st.lists(values(schema["items"]), max_size=2)


def integers(schema: dict[str, Any]) -> st.SearchStrategy[int]:
    """Integers that every language has."""
    bounds = schema.get("minimum", -(2**53)), schema.get("exclusiveMaximum", 2**53) - 1
    return st.integers(*bounds)


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Objects with all members that are required, and some of the others."""
    members = {name: values(each) for name, each in schema.get("properties", {}).items()}
    required = {name: members.pop(name) for name in schema.get("required", ())}
    return st.fixed_dictionaries(required, optional=members)


def texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Texts of a pattern, or of a length."""
    if "pattern" in schema:
        found = st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True)
        return found.filter(lambda text: not text.endswith("\n"))
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 20))


OF_TYPE: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "object": objects,
    "array": lists,
    "string": texts,
    "integer": integers,
    "boolean": lambda _: st.booleans(),
}


def name_of(message: type[msgspec.Struct]) -> str:
    """A message by its type on the wire."""
    return str(message.__struct_config__.tag)


def test_the_documents_are_those_of_the_code():
    """``python -m tools.asyncapi`` would write them again to the letter."""
    assert SCHEMA.read_text("utf-8") == schema_text()
    assert DOCUMENT.read_text("utf-8") == asyncapi_text()


def test_every_message_is_in_the_documents():
    """By its type on the wire; and for each of a phone it is said what answers it."""
    document = read_yaml(DOCUMENT)
    both = {name_of(each) for each in (*PHONE_MESSAGES, *SERVICE_MESSAGES)}
    assert document["components"]["messages"].keys() == both
    assert set(ANSWERS) == set(PHONE_MESSAGES)
    told = {name_of(each) for answers in ANSWERS.values() for each in answers}
    unasked = {
        each["$ref"].rpartition("/")[2] for each in document["operations"]["tell"]["messages"]
    }
    assert told | unasked == {name_of(each) for each in SERVICE_MESSAGES}


@UNHURRIED
@given(frame=values(DEFINITIONS["from_service"]), data=st.data())
def test_a_phone_reads_what_the_schema_allows_and_nothing_else(
    frame: dict[str, Any], data: st.DataObject
):
    """A message of the service is decoded; with a member gone or replaced both still agree."""
    hold_agreement("from_service", decode_service_message, frame, data)


@UNHURRIED
@given(frame=values(DEFINITIONS["from_phone"]), data=st.data())
def test_the_service_reads_what_the_schema_allows_and_nothing_else(
    frame: dict[str, Any], data: st.DataObject
):
    """A message of a phone is decoded; with a member gone or replaced both still agree."""
    hold_agreement("from_phone", decode_device_message, frame, data)


def hold_agreement(
    way: str, decode: Callable[[str], object], frame: dict[str, Any], data: st.DataObject
) -> None:
    """Hold that schema and code take the same."""

    def is_decoded(each: dict[str, Any]) -> bool:
        try:
            decode(json.dumps(each))
        except msgspec.DecodeError:
            return False
        return True

    member = data.draw(st.sampled_from(sorted(frame)))
    changed = {**frame, member: data.draw(ANYTHING)}
    without = {name: value for name, value in frame.items() if name != member}
    assert is_decoded(frame)
    for each in (frame, changed, without):
        assert is_valid(way, each) is is_decoded(each), each
