"""docs/operator-openapi.yaml is a sound OpenAPI 3.1 document, is what is served, and lacks nothing.

That answers are what it says, tests/wire/operator.py holds each of them to.
"""

import tomllib
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from ciba_service.endpoints.operator.problems import ProblemDocument
from ciba_service.endpoints.operator.session import SessionDocument
from ciba_service.flow.operators.clients import ClientDetails, ClientSummary
from ciba_service.flow.operators.deliveries import DeliveryDetails, DeliverySummary
from ciba_service.flow.operators.devices import DeviceSummary
from ciba_service.flow.operators.service_state import EvidenceHead, EvidenceState, ServiceState
from ciba_service.flow.operators.transactions import PendingSummary
from ciba_service.flow.operators.user_documents import (
    AccessSummary,
    ActivationCode,
    BlockedClient,
    OpenPrompt,
    UserAccount,
)
from ciba_service.flow.operators.user_summaries import UserSummary
from ciba_service.ports import DeliveryState
from ciba_service.protocol.operators.ledgers import HistoryEvent, TransactionHistory
from ciba_service.protocol.operators.problems import Problem
from ciba_service.protocol.security_events.record import SecurityEventRecord
from ciba_service.protocol.transaction.ledger import LedgerKind
from ciba_service.protocol.transaction.state import State
from tests.unit.docs.test_openapi import ROOT, references
from tools.openapi import OPERATOR_SERVED, OPERATOR_SOURCE, served_text
from tools.yaml_files import read_yaml

DOCUMENT: dict[str, Any] = read_yaml(OPERATOR_SOURCE)
SCHEMAS = DOCUMENT["components"]["schemas"]
STRUCTS = {
    "Problem": ProblemDocument,
    "Session": SessionDocument,
    "UserSummary": UserSummary,
    "User": UserAccount,
    "BlockedClient": BlockedClient,
    "OpenPrompt": OpenPrompt,
    "LastingAccess": AccessSummary,
    "ActivationCode": ActivationCode,
    "Device": DeviceSummary,
    "Pending": PendingSummary,
    "Transaction": TransactionHistory,
    "LedgerEntry": HistoryEvent,
    "DeliverySummary": DeliverySummary,
    "Delivery": DeliveryDetails,
    "ClientSummary": ClientSummary,
    "Client": ClientDetails,
    "Status": ServiceState,
    "SecurityEvent": SecurityEventRecord,
    "Evidence": EvidenceState,
    "EvidenceHead": EvidenceHead,
}


def test_what_is_served_is_what_is_written():
    """The packaged JSON is made from the YAML, and has the version of the project."""
    assert OPERATOR_SERVED.read_text("utf-8") == served_text(OPERATOR_SOURCE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert DOCUMENT["info"]["version"] == project["version"]


def test_every_reference_leads_somewhere():
    """Each ``$ref`` names a component, each component is used, each schema is one."""
    kinds = set(DOCUMENT["components"]) - {"securitySchemes"}
    there = {
        f"#/components/{kind}/{name}" for kind in kinds for name in DOCUMENT["components"][kind]
    }
    assert set(references(DOCUMENT)) == there
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", STRUCTS)
def test_a_schema_has_the_members_of_what_is_sent(name: str):
    """No member is missing and none is invented; nothing else may be there."""
    info = msgspec.inspect.type_info(STRUCTS[name])
    assert isinstance(info, msgspec.inspect.StructType)
    assert SCHEMAS[name]["properties"].keys() == {field.encode_name for field in info.fields}
    assert {field.encode_name for field in info.fields if field.required} <= set(
        SCHEMAS[name]["required"]
    )
    assert SCHEMAS[name]["additionalProperties"] is False


def test_the_words_are_described():
    """No kind of entry and no state is missing, and none is invented."""
    assert set(SCHEMAS["LedgerEntry"]["properties"]["event"]["enum"]) == set(LedgerKind)
    assert set(SCHEMAS["Transaction"]["properties"]["state"]["enum"]) == set(State)
    assert set(SCHEMAS["Delivery"]["properties"]["state"]["enum"]) == set(DeliveryState)


def test_operations_have_names_of_their_own():
    """Generators of clients name methods by ``operationId``."""
    names = [
        operation["operationId"]
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(set(names)) == len(names)


def test_every_problem_is_explained():
    """docs/operator-api.md has a row for each code, with its status."""
    page = (ROOT / "docs" / "operator-api.md").read_text("utf-8")
    for problem in Problem:
        assert f"| {int(problem.status)} | `{problem.code}` |" in page, problem
