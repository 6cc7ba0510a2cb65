"""What may stand on the command line of ``ciba-service``."""

import pytest

from ciba_service.cli import build_parser, names_last

CONFIG = ("--config", "ciba.toml")


@pytest.mark.parametrize("name", ["A" * 22, "-" + "A" * 21, "--" + "A" * 20])
@pytest.mark.parametrize("command", [["deliveries", "show"], ["transactions", "show"]])
def test_a_name_that_begins_with_a_hyphen_is_no_option(command: list[str], name: str):
    """One in 64 names of transactions does, and options may stand behind it."""
    options = build_parser().parse_args(names_last([*command, name, *CONFIG, "--json"]))
    assert (options.transaction_id, options.json) == (name, True)


def test_a_phone_whose_name_begins_with_a_hyphen_is_found():
    """Names of phones are longer."""
    name = "-" + "A" * 42
    options = build_parser().parse_args(names_last(["devices", "revoke", name, *CONFIG]))
    assert options.device_id == name


def test_whoever_separates_names_already_is_taken_at_its_word():
    """Nothing is moved past a ``--``."""
    given = ["deliveries", "show", "--json", "--", "-" + "A" * 21]
    assert names_last(given) == given
