"""Types as operators declare them: what is wrong with one stops the start by name."""

from datetime import date
from typing import Any

import msgspec
import pytest

from ciba_service.protocol.request.authorization_details import (
    BUILT_IN_TYPES,
    InvalidDetailTypeError,
    MemberDisplay,
    TypeDeclaration,
    detail_types,
)

SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"type": {"const": "consent"}, "purpose": {"type": "string"}},
    "required": ["type", "purpose"],
    "additionalProperties": False,
}
MEMBERS: dict[str, Any] = {
    "type": "consent",
    "schema": SCHEMA,
    "title": "Consent",
    "display": [{"member": "purpose", "label": "Purpose"}],
}


def declaration(**changed: Any) -> TypeDeclaration:
    """A declaration as it is read from a configuration."""
    return msgspec.convert({**MEMBERS, **changed}, TypeDeclaration)


def defect(*declarations: TypeDeclaration) -> str:
    """Why declarations cannot be used."""
    with pytest.raises(InvalidDetailTypeError) as refused:
        detail_types(declarations)
    return str(refused.value)


def test_declared_types_stand_beside_those_built_in():
    """All of them may be registered by clients and published."""
    assert BUILT_IN_TYPES.names == {"payment_initiation", "account_information"}
    assert detail_types([declaration()]).names == BUILT_IN_TYPES.names | {"consent"}


def test_a_declaration_asks_for_strong_authentication_unless_it_says_otherwise():
    """Whoever forgets it is safe."""
    types = detail_types([declaration(), declaration(type="weak", strong_authentication=False)])
    assert types.declared["consent"].strong_authentication
    assert not types.declared["weak"].strong_authentication


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "objec"}, '"objec" is not valid'),
        ({"required": "purpose"}, "is not of type"),
        ({"pattern": "(("}, "regex"),
        ({"pattern": "(?=a)"}, "regex"),
        ({"format": "unheard-of"}, "Unknown format"),
        ({"$schema": "https://example.org/none"}, "Unknown meta-schema"),
        ({"$ref": "https://example.org/schema.json"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/passwd"}, "Retrieval is disabled"),
        ({"$ref": "#/nowhere"}, "does not exist"),
        ({"const": date(2030, 1, 1)}, "Unsupported type"),
        ({"properties": {"type": {}, "purpose": 5}}, "5 is not of types"),
    ],
)
def test_a_wrong_schema_is_told_with_its_type_and_reason(schema: dict[str, object], reason: str):
    """Schemas are compiled at start, and nothing is fetched for them."""
    said = defect(declaration(schema={**SCHEMA, **schema}))
    assert said.startswith("consent: schema: ")
    assert reason in said


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"type": ""}, "type must be 1 to 128 printable ASCII characters"),
        ({"type": "two words"}, "type must be 1 to 128 printable ASCII characters"),
        ({"type": "x" * 129}, "type must be 1 to 128 printable ASCII characters"),
        (
            {"type": "payment_initiation"},
            "payment_initiation: type is built in, or declared twice",
        ),
        (
            {"type": "account_information"},
            "account_information: type is built in, or declared twice",
        ),
        (
            {"schema": {}},
            "consent: schema: properties must list every member, type included",
        ),
        (
            {"schema": {"properties": {"purpose": {}}}},
            "consent: schema: properties must list every member, type included",
        ),
        (
            {"schema": {"properties": ["type"]}},
            "consent: schema: properties must list every member, type included",
        ),
        ({"display": []}, "consent: display: purpose is missing: nobody would see it"),
        ({"title": "Con\u200bsent"}, "consent: title: it has a character that is not plain text"),
    ],
)
def test_a_wrong_declaration_is_told_with_its_key(changed: dict[str, Any], reason: str):
    """The type, the key, and the reason."""
    assert defect(declaration(**changed)) == reason


PURPOSE = {"member": "purpose", "label": "Purpose"}


@pytest.mark.parametrize(
    ("display", "reason"),
    [
        ([PURPOSE, PURPOSE], "a member has no name, or stands there twice"),
        ([{**PURPOSE, "member": "purpose."}], "a member has no name, or stands there twice"),
        ([{**PURPOSE, "member": ""}], "a member has no name, or stands there twice"),
        ([PURPOSE, {**PURPOSE, "member": "purpos"}], "purpos is no property of the schema"),
        ([PURPOSE, {**PURPOSE, "member": "type"}], "type is no property of the schema"),
        (
            [{**PURPOSE, "words": {"a": "A"}, "style": "iban"}],
            "purpose: words and style exclude each other",
        ),
        (
            [{**PURPOSE, "label": "Purpose\n"}],
            "purpose: label: it has a character that is not plain text",
        ),
        (
            [{**PURPOSE, "words": {"a": " A"}}],
            "purpose: words: it is empty, or has outer or repeated spaces",
        ),
        ([{**PURPOSE, "absent": "..."}], "purpose: absent: it has neither a letter nor a digit"),
    ],
)
def test_a_wrong_rule_of_display_is_told_with_its_member(
    display: list[dict[str, Any]], reason: str
):
    """What the service says to people is plain text, too, and said of members that exist."""
    assert defect(declaration(display=display)) == f"consent: display: {reason}"


def test_a_type_is_declared_once():
    """Two rules for one type are none."""
    assert "declared twice" in defect(declaration(), declaration())


@pytest.mark.parametrize(
    "changed",
    [
        {"title": ""},
        {"title": "x" * 71},
        {"unheard": "of"},
        {"display": [{**PURPOSE, "label": "x" * 41}]},
        {"display": [{**PURPOSE, "style": "bold"}]},
        {"display": [{**PURPOSE, "words": {"a": "x" * 141}}]},
        {"display": [{**PURPOSE, "absent": ""}]},
        {"display": [{**PURPOSE, "colour": "red"}]},
    ],
    ids=str,
)
def test_a_declaration_has_bounds_and_no_unknown_keys(changed: dict[str, Any]):
    """A slip in a key is no silent default."""
    with pytest.raises(msgspec.ValidationError):
        declaration(**changed)


def test_every_member_of_a_rule_can_be_declared():
    """The defaults are plain text, no words, and nothing said of what is absent."""
    (rule,) = declaration().display
    assert rule == MemberDisplay(member="purpose", label="Purpose")
    assert (rule.style, rule.words, rule.absent) == ("text", {}, None)
