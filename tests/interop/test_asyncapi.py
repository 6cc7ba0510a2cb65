"""The AsyncAPI document of the device protocol, against the schema of its own specification."""

import json
from pathlib import Path

import jsonschema_rs
import yaml

from tools.asyncapi import DOCUMENT

SPECIFICATION = (
    Path(__file__).parent / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
)


def test_it_is_an_asyncapi_document():
    """As the specification has it; one with another operation is none."""
    schema = json.loads(SPECIFICATION.read_text("utf-8"))
    document = yaml.safe_load(DOCUMENT.read_text("utf-8"))
    validator = jsonschema_rs.Draft7Validator(schema)
    validator.validate(document)
    document["operations"]["tell"]["action"] = "shout"
    assert not validator.is_valid(document)
