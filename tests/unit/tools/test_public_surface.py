"""docs/public-surface.toml: all that is public, as the code has it."""

import argparse
import functools
import os
import re
import tomllib
from collections.abc import Mapping

import pytest

import ciba_client
from tools.public_surface.document import SURFACE, surface_text
from tools.public_surface.programs import _arguments
from tools.public_surface.python_names import PUBLIC_MODULES, _lines
from tools.public_surface.section import Section


@functools.cache
def written() -> str:
    """The document as it would be written here; it takes seconds."""
    return surface_text()


def test_the_document_is_what_the_code_says():
    """Whoever changes something public writes it anew: ``python -m tools.public_surface``."""
    assert SURFACE.read_text("utf-8") == written()


def test_the_environment_of_whoever_writes_it_is_not_in_it(monkeypatch: pytest.MonkeyPatch):
    """A default that is the environment is named, and not told."""
    monkeypatch.setenv("CIBA_SURFACE_MARK", "recognisable-value")
    assert "recognisable-value" not in surface_text()


def test_the_document_has_every_part():
    """Names, programs, configuration, wire and what shows while it runs; none of it empty."""
    document = tomllib.loads(SURFACE.read_text("utf-8"))
    assert document["python"].keys() == set(PUBLIC_MODULES)
    assert document["python"]["ciba_client"].keys() == set(ciba_client.__all__)
    assert document["commands"].keys() == {"ciba-service", "ciba-client", "authenticator-sim"}
    for program in document["commands"].values():
        assert any(line.startswith("exit status: 0 ") for line in program[""])
    assert document["configuration"]["server.port"][0].endswith(" = 8080")
    assert document["configuration"]["clients.client_name"] == ["str = ''"]
    assert document["configuration_of_clients"]["polling_wait"][0].endswith(" = 0")
    assert document["http"]["POST /bc-authorize"][0].startswith("200 400 401")
    assert document["errors"]["slow_down"] == ["400"]
    assert document["device_protocol"]["SUBPROTOCOL"] == ["ciba-device.v1"]
    assert document["metrics"]["ciba_held_polls"] == ["gauge"]
    assert "payment_executed" in document["log_events"]
    assert "factors_locked" in document["security_events"]
    assert document["record_formats"]["transactions"] == ["2"]


def test_the_page_names_every_public_module():
    """docs/versioning.md says which modules have public names, and links the document."""
    page = SURFACE.with_name("versioning.md").read_text("utf-8")
    named = re.findall(r"`(ciba_\w+[\w.]*)`", page.split("| Python |")[1].splitlines()[0])
    assert named == list(PUBLIC_MODULES)
    assert f"]({SURFACE.name})" in page


def test_the_document_is_the_same_wherever_it_is_written():
    """It tells nothing of the process, its environment or its directories."""
    text = written()
    assert " at 0x" not in text
    assert not [name for name, value in os.environ.items() if len(value) > 12 and value in text]
    assert str(SURFACE.parents[1]) not in text


class Account:
    """Something public."""

    def __init__(self, iban: str) -> None:
        self.iban = iban

    async def pay(self, amount: str, *, currency: str = "EUR", of: Mapping = os.environ) -> None:
        """Pay."""

    def _keep(self) -> None:
        """Not public."""


def test_a_class_is_told_by_what_can_be_called():
    """A parameter that comes, goes, or changes its plain default is another line."""
    assert _lines(Account) == [
        "class",
        "new(iban: str) -> None",
        "async pay(self, amount: str, *, currency: str = 'EUR', of: Mapping = ...) -> None",
    ]


@pytest.mark.parametrize(
    ("words", "options", "line"),
    [
        (["--wait"], {"action": "store_true"}, "--wait"),
        (["--port"], {"required": True}, "--port PORT required"),
        (["--answer"], {"choices": ["204", "reset"]}, "--answer ANSWER {204, reset}"),
        (["name"], {"nargs": "?"}, "name nargs ?"),
    ],
)
def test_an_option_is_told_by_what_it_takes(
    words: list[str], options: dict[str, object], line: str
):
    """Its names, its value, its choices, and whether it must be there."""
    parser = argparse.ArgumentParser()
    parser.add_argument(*words, **options)
    assert _arguments(parser) == [line]


def test_any_text_can_be_a_name_or_a_line():
    """What is not a bare key is quoted, as TOML wants it."""
    section = Section(("http", "a.b"), {"POST /x": ['200 "ok"'], "": [], "two": ["1", "2"]})
    assert tomllib.loads(section.toml()) == {
        "http": {"a.b": {"POST /x": ['200 "ok"'], "": [], "two": ["1", "2"]}}
    }
