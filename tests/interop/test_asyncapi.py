"""The AsyncAPI document of the device protocol, against the schema of its own specification."""

import json
from pathlib import Path

import jsonschema_rs

from tools.asyncapi import DOCUMENT
from tools.yaml_files import read_yaml

SPECIFICATION = (
    Path(__file__).parent / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
)


def test_it_is_an_asyncapi_document():
    """As the specification has it; one with another operation is none."""
    schema = json.loads(SPECIFICATION.read_text("utf-8"))
    document = read_yaml(DOCUMENT)
    validator = jsonschema_rs.Draft7Validator(schema)
    validator.validate(document)
    document["operations"]["tell"]["action"] = "shout"
    assert not validator.is_valid(document)
