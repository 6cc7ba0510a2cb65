"""The pages that are written from the code leave nothing out, and gathering changes links alone."""

import re
from pathlib import Path

import msgspec
import pytest

from ciba_service.protocol import errors
from ciba_service.settings.reading import Document
from ciba_service.settings.sections import ServerSettings
from tests.docs.test_commands import PARSERS
from tools.site.pages import DOCS, ROOT, gather
from tools.site.reference import reference_pages

PAGES = reference_pages()


@pytest.mark.parametrize("program", PARSERS)
def test_every_command_has_its_chapter(program: str):
    """Each can be asked for help under the name that its chapter has."""
    chapters = re.findall(rf"^## {program} (.+)$", PAGES[f"reference/{program}.md"], re.MULTILINE)
    assert chapters
    for chapter in chapters:
        with pytest.raises(SystemExit) as ended:
            PARSERS[program].parse_args([*chapter.split(), "--help"])
        assert ended.value.code == 0


def test_nothing_of_the_machine_that_builds_is_told():
    """Neither its environment nor addresses; the default folder of a phone is that of a reader."""
    assert not [name for name, text in PAGES.items() if re.search(r"environ\(|\bat 0x|= <", text)]
    assert str(Path.home()) not in PAGES["reference/authenticator-sim.md"]
    assert "/home/you" in PAGES["reference/authenticator-sim.md"]


def test_every_setting_has_its_row():
    """With its default, in the chapter of its section."""
    page = PAGES["reference/settings.md"]
    sections = re.findall(r"^## `\[+(\w+)\]+`$", page, re.MULTILINE)
    assert sections == [field.encode_name for field in msgspec.structs.fields(Document)]
    server = page.split("## `[server]`")[1].split("## ")[0]
    keys = re.findall(r"^\| `(\w+)` \|", server, re.MULTILINE)
    assert tuple(keys) == ServerSettings.__struct_fields__
    assert "| `port` | integer, from 0 to 65,535 | `8080` | `CIBA_SERVER__PORT` |" in server


def test_every_error_has_its_row():
    """By its code and the constant sentence that is sent."""
    page = PAGES["reference/errors.md"]
    for name in set(errors.__all__) - {"OAuth2Error", "Reason", "cause_of"}:
        each = getattr(errors, name)
        assert f"| `{each.error or ''}` | {int(each.status_code)} | {each.description} |" in page


def test_links_to_files_of_the_repository_lead_to_pages_of_them(tmp_path: Path):
    """Also to folders; links within docs/, to elsewhere, and in listings stay as they are."""
    text = (
        "# X\n\n[a](../../ciba.example.toml) [b](../../deploy/nginx) [c](../hints.md#x)\n"
        "[d](https://op.example/) [e](#x)\n\n```text\n[f](../../ciba.example.toml)\n```\n"
    )
    gather(tmp_path / "site", {"reference/x.md": text})
    changed = text.replace("[a](../../ciba.example.toml)", "[a](../files/ciba.example.toml.md)")
    changed = changed.replace("../../deploy/nginx", "../files/deploy/nginx/index.md")
    assert (tmp_path / "site/reference/x.md").read_text("utf-8") == changed
    shown = (tmp_path / "site/files/ciba.example.toml.md").read_text("utf-8")
    assert (ROOT / "ciba.example.toml").read_text("utf-8").strip() in shown
    assert "`service.conf`" in (tmp_path / "site/files/deploy/nginx/index.md").read_text("utf-8")
    assert (tmp_path / "site/hints.md").read_text("utf-8") == (DOCS / "hints.md").read_text("utf-8")
