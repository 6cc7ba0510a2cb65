"""What may stand on the command line of ``ciba-client``."""

import pytest

from ciba_client.flags import argument_parser, ids_last


@pytest.mark.parametrize("auth_req_id", ["A" * 43, "-" + "A" * 42, "--" + "aB-" * 13 + "aa"])
@pytest.mark.parametrize("command", ["poll --auth-req-id", "cancel", "receipt"])
def test_an_auth_req_id_that_begins_with_a_hyphen_is_no_option(command: str, auth_req_id: str):
    """One in 64 does, and options may stand behind it."""
    words = [*command.split(), auth_req_id, "--config", "client.toml"]
    options = argument_parser().parse_args(ids_last(words))
    assert (options.auth_req_id, str(options.config)) == (auth_req_id, "client.toml")


@pytest.mark.parametrize(
    "words",
    [
        ["poll", "--config", "client.toml", "--", "-" + "A" * 42],
        ["start", "--an-option-that-is-as-long-as-an-id", "x"],
    ],
)
def test_nothing_else_is_moved(words: list[str]):
    """Neither what stands behind ``--`` already, nor options however long."""
    assert ids_last(words) == words
