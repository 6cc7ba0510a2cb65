"""docs/openapi.yaml is a sound OpenAPI 3.1 document, is what is served, and has every member."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from ciba_service.endpoints.openapi import openapi_document
from ciba_service.protocol.metadata import Endpoints
from ciba_service.protocol.resource.accounts import Account, AccountList
from ciba_service.protocol.resource.payments import PaymentReceipt
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.introspection import ActiveToken
from ciba_service.protocol.tokens.userinfo import UserinfoResponse
from ciba_service.protocol.transaction.callbacks import AbandonReason
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.ledger_document import LedgerDocument, LedgerEvent
from ciba_service.protocol.transaction.state import State
from ciba_service.sca import messages
from tools.asyncapi import ANSWERS
from tools.openapi import SERVED, SOURCE, served_text
from tools.yaml_files import read_yaml

ROOT = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = read_yaml(SOURCE)
SCHEMAS = DOCUMENT["components"]["schemas"]

STRUCTS = {
    "TokenResponse": TokenResponse,
    "ActiveToken": ActiveToken,
    "LedgerDocument": LedgerDocument,
    "LedgerEvent": LedgerEvent,
    "User": UserinfoResponse,
    "AccountList": AccountList,
    "Account": Account,
    "PaymentReceipt": PaymentReceipt,
    "EnrolmentRequest": messages.EnrolmentRequest,
    "EnrolmentAnswer": messages.EnrolmentAnswer,
    "MessageExchange": messages.MessageExchange,
    "Fetch": messages.Fetch,
    "Decide": messages.Decide,
    "ListAccesses": messages.ListAccesses,
    "EndAccess": messages.EndAccess,
    "LastingAccess": messages.LastingAccess,
    "AccessesListed": messages.AccessesListed,
    "AccessEnded": messages.AccessEnded,
    "AccessUnknown": messages.AccessUnknown,
    "Hello": messages.Hello,
    "ChallengeOffered": messages.ChallengeOffered,
    "Fetched": messages.Fetched,
    "Accepted": messages.Accepted,
    "Refused": messages.Refused,
    "MakeHandle": messages.MakeHandle,
    "HandleMade": messages.HandleMade,
    "HandleRefused": messages.HandleRefused,
}


def references(node: object) -> Iterator[str]:
    """Every ``$ref`` in a part of the document."""
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield target
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_what_is_served_is_what_is_written():
    """The packaged JSON is made from the YAML: run ``python -m tools.openapi`` after a change."""
    assert SERVED.read_text("utf-8") == served_text()


def test_it_has_the_version_of_the_project():
    """``info.version`` is that of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert DOCUMENT["info"]["version"] == project["version"]


def test_every_reference_leads_somewhere():
    """Each ``$ref`` names a component, and each component is used."""
    used = set(references(DOCUMENT))
    kinds = set(DOCUMENT["components"]) - {"securitySchemes"}
    there = {
        f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]
    }
    assert used == there


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_json_schema(name: str):
    """OpenAPI 3.1 takes JSON Schema 2020-12 as it is."""
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", STRUCTS)
def test_a_schema_has_the_members_of_what_is_sent(name: str):
    """No member is missing and none is invented; the required ones are those without default."""
    info = msgspec.inspect.type_info(STRUCTS[name])
    assert isinstance(info, msgspec.inspect.StructType)
    members = {field.encode_name for field in info.fields}
    required = {field.encode_name for field in info.fields if field.required}
    if info.tag_field is not None:
        members, required = members | {info.tag_field}, required | {info.tag_field}
    assert SCHEMAS[name]["properties"].keys() == members
    assert set(SCHEMAS[name]["required"]) == required


def test_the_words_of_a_ledger_are_described():
    """No kind of entry, no state and no reason is missing, and none is invented."""
    entry, document = SCHEMAS["LedgerEvent"], SCHEMAS["LedgerDocument"]
    assert set(entry["properties"]["event"]["enum"]) == set(LedgerKind)
    assert set(entry["properties"]["reason"]["enum"]) == set(AbandonReason)
    assert set(document["properties"]["state"]["enum"]) == set(State)


def test_operations_have_names_of_their_own():
    """Generators of clients name methods by ``operationId``."""
    names = [
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method not in {"servers", "parameters"}
    ]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)


def test_the_addresses_are_those_of_the_issuer():
    """Paths follow the issuer, but for those of the host; RFC 8414 puts its path last."""
    served = json.loads(msgspec.json.encode(openapi_document(Endpoints("https://op.example/bank"))))
    assert served["servers"] == [{"url": "https://op.example/bank"}]
    moved = served["paths"]["/.well-known/oauth-authorization-server/bank"]
    assert moved["servers"] == [{"url": "https://op.example"}]
    assert "/.well-known/ssf-configuration/bank" in served["paths"]
    assert served["paths"]["/readyz"]["servers"] == [{"url": "https://op.example"}]
    assert "servers" not in served["paths"]["/token"]
    assert "127.0.0.1" not in json.dumps(served)


def test_every_message_of_a_phone_and_every_answer_is_described():
    """Those of a socket that also go over HTTPS: all but the first and what is said unasked."""
    body = DOCUMENT["paths"]["/device/messages"]["post"]["requestBody"]["content"]
    taken = {each["$ref"] for each in body["application/json"]["schema"]["oneOf"]}
    exchange = DOCUMENT["components"]["schemas"]["MessageExchange"]["properties"]["messages"]
    told = {each["$ref"] for each in exchange["items"]["oneOf"]}
    asked = [message for message in ANSWERS if message is not messages.Authenticate]
    answers = {answer for message in asked for answer in ANSWERS[message]}
    assert taken == {f"#/components/schemas/{each.__name__}" for each in asked}
    assert told == {f"#/components/schemas/{each.__name__}" for each in answers}
