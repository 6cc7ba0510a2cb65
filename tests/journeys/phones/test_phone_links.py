"""A link that opens the web phone with an activation code, for users and from operators."""

import io
from pathlib import Path

import pytest

from authenticator_sim.terminal.look.qr_code import qr_code
from ciba_service.commands.qr_code import qr_code_for
from tests.services.service_fixtures import ServiceRunner
from tests.services.service_process import installation
from tests.wire.client import WireClient
from tests.wire.operator import new_tokens, operating, operators_section

PHONE_URL = "https://phone.bank.example/"
DEVICE = {"phone_url": PHONE_URL}


async def test_commands_give_a_link_beside_each_code(tmp_path: Path):
    """For programs as ``link``; for people as text and as a QR code; the second secret apart."""
    async with installation(tmp_path) as place:
        place.configure(device=DEVICE)
        made = (await place.command("users", "activate", "alice", "--json")).json()
        assert made["link"] == f"{PHONE_URL}#{made['activation_code']}"
        assert made["second_secret"] not in made["link"]
        made = (await place.command("users", "reset", "alice", "--json")).json()
        assert made["link"] == f"{PHONE_URL}#{made['activation_code']}"
        told = (await place.command("users", "activate", "alice")).out
        code, link, *drawn = told.splitlines()
        assert link == f"link             {PHONE_URL}#{code.split()[2]}"
        assert "\n".join(drawn).startswith(qr_code_for(io.StringIO(), link.split()[1])[:-1])


async def test_without_a_web_phone_there_is_no_link(tmp_path: Path):
    """The code is all there is."""
    async with installation(tmp_path) as place:
        made = (await place.command("users", "activate", "alice", "--json")).json()
        assert made.keys() == {"sub", "activation_code", "expires_in", "second_secret"}
        told = (await place.command("users", "activate", "alice")).out
        assert len(told.splitlines()) == 2


async def test_operators_get_the_link_with_the_code(run_service: ServiceRunner, till: WireClient):
    """From both acts that make a code."""
    tokens = new_tokens()
    sections = {"operators": operators_section(tokens), "device": DEVICE}
    async with (
        run_service(clients=[till], sections=sections) as service,
        operating(service, tokens) as operators,
    ):
        for act in ("activation", "reset"):
            made = (await operators.ask("POST", f"/users/bob/{act}")).json()
            assert made["link"] == f"{PHONE_URL}#{made['activation_code']}"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_a_qr_code_is_black_on_white_where_there_are_colours():
    """Whatever the colours of the terminal; elsewhere as it is right on a dark background."""
    plain, coloured = qr_code_for(io.StringIO(), PHONE_URL), qr_code_for(Screen(), PHONE_URL)
    assert (plain, coloured) == (
        qr_code(PHONE_URL, coloured=False),
        qr_code(PHONE_URL, coloured=True),
    )
    assert all(line.startswith("\x1b[38;5;16;48;5;231m") for line in coloured.splitlines())
    assert "\x1b" not in plain


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_cannot_draw_gets_no_qr_code(encoding: str):
    """The link stands above it anyway."""
    assert qr_code_for(io.TextIOWrapper(io.BytesIO(), encoding=encoding), PHONE_URL) == ""
