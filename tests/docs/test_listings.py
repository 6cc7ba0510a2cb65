"""Listings of the pages: configurations have keys that there are, programs compile and import."""

import ast
import importlib
import json
import re
import tomllib
from typing import Any

import msgspec
import pytest
import yaml

from ciba_client.client_file import ClientFile
from ciba_service.settings.reading import Document
from ciba_service.settings.sections import ClientSettings
from tests.docs.blocks import Block, blocks
from tools.site.pages import DOCS, ROOT

SERVICE = {field.encode_name for field in msgspec.structs.fields(Document)}
OURS = ("ciba_service", "ciba_client", "authenticator_sim")


def listings(language: str) -> list[Any]:
    """Every block in a language, named by where it stands."""
    pages = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}:{block.line}")
        for page in pages
        for block in blocks(page)
        if block.language == language
    ]


@pytest.mark.parametrize("block", listings("toml"))
def test_every_key_of_a_configuration_is_there(block: Block):
    """Of the service, of a client in it, or of a client's own file, with the right type."""
    members = tomllib.loads(block.text)
    if not members.keys() & SERVICE:
        known = {*ClientFile.__struct_fields__, *ClientSettings.__struct_fields__}
        assert members.keys() <= known
        return
    clients = members.pop("clients", [])
    members["server"] = {"issuer": "http://127.0.0.1:8080"} | members.get("server", {})
    msgspec.convert(members, Document)
    for client in clients:
        assert client.keys() <= set(ClientSettings.__struct_fields__)


@pytest.mark.parametrize("block", listings("toml"))
def test_no_configuration_lets_in_a_token_that_is_known(block: Block):
    """Where the hash of a token belongs stand zeros, which are nobody's."""
    assert set(re.findall(r'"([0-9a-f]{64})"', block.text)) <= {"0" * 64}


@pytest.mark.parametrize("block", listings("python"))
def test_every_program_compiles_and_finds_what_it_imports(block: Block):
    """Also one that shows only the middle of a function."""
    text = block.text.replace("=…", "=...")
    tree = compile(text, "<page>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
            module = importlib.import_module(node.module or "")
            missing = [each.name for each in node.names if not hasattr(module, each.name)]
            assert missing == []


@pytest.mark.parametrize("block", listings("json"))
def test_every_json_can_be_read(block: Block):
    """One value, or one in each line."""
    try:
        json.loads(block.text)
    except json.JSONDecodeError:
        for line in block.text.splitlines():
            json.loads(line)


@pytest.mark.parametrize("block", listings("yaml"))
def test_every_yaml_can_be_read(block: Block):
    """As it stands."""
    assert yaml.safe_load(block.text)
