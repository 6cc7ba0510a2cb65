"""docs/deployment.md and docs/operations.md say of Compose and nginx what is so."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from ciba_service.cli import build_parser
from tests.deployment.compose_files import COMPOSE, ROOT

PAGES = {
    name: (ROOT / f"docs/{name}.md").read_text("utf-8") for name in ("deployment", "operations")
}
SERVICES = COMPOSE["services"]
VERBS = {"build", "cp", "down", "exec", "kill", "logs", "run", "start", "stop", "up"}
WITH_VALUE = {"--profile", "--tail", "-s"}


def lines() -> Iterator[str]:
    """Every line of shell, those that go on in the next one whole."""
    for page in PAGES.values():
        for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
            yield from block.replace("\\\n", " ").splitlines()


def compose_commands() -> list[list[str]]:
    """What follows ``docker compose``, without options."""
    found = []
    for line in lines():
        words = shlex.split(line)
        if "compose" in words:
            rest = iter(words[words.index("compose") + 1 :])
            plain = []
            for word in rest:
                if word in WITH_VALUE:
                    next(rest)
                elif not word.startswith("-") or len(plain) > 1:
                    plain.append(word)
            found.append(plain)
    return found


@pytest.mark.parametrize("command", compose_commands(), ids=" ".join)
def test_every_command_of_compose_names_what_there_is(command: list[str]):
    """A verb of Compose, containers of ours, and commands that the programs in them take."""
    verb, *rest = command
    assert verb in VERBS
    if verb == "cp":
        container, _, path = rest[0].partition(":")
        assert path == "/etc/ciba/ca.pem"
        rest = [container]
    if verb == "exec" and rest[1:2] == ["ciba-service"]:
        assert build_parser().parse_args(rest[2:]).command == rest[2]
    if verb == "run" and rest[1:]:
        # What follows the container takes the place of its command, not of its entry point.
        assert "entrypoint" not in SERVICES[rest[0]]
        assert build_parser().parse_args(rest[1:]).command == rest[1]
    if verb in {"exec", "run"}:
        rest = rest[:1]
    assert set(rest) <= SERVICES.keys()


def test_volumes_of_the_backup_are_those_of_compose():
    """By the project's name, so that the copy is not one of empty volumes."""
    named = set(re.findall(rf"-v {COMPOSE['name']}_([\w-]+):", PAGES["operations"]))
    assert named == {"redis-data", "keys", "ciba-data"}
    assert named <= COMPOSE["volumes"].keys()


def test_every_file_and_heading_that_is_linked_is_there():
    """Links of docs/deployment.md lead somewhere."""
    for target in re.findall(r"\]\(([^)]+)\)", PAGES["deployment"]):
        file, _, anchor = target.partition("#")
        path = (ROOT / "docs" / file).resolve()
        assert path.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
            assert anchor in slugs, target


def test_every_container_and_port_is_described():
    """The table has each that starts by itself; each address on this machine is named."""
    page = PAGES["deployment"]
    for name, service in SERVICES.items():
        assert "profiles" in service or f"`{name}`" in page, name
        for port in service.get("ports", ()):
            number = port.split(":")[1]
            assert re.search(rf"https?://(127\.0\.0\.1|localhost):{number}\b", page), port


def test_what_is_said_of_nginx_is_in_its_files():
    """Sizes and times stand there as in the configuration."""
    text = "".join(file.read_text("utf-8") for file in Path(ROOT / "deploy/nginx").iterdir())
    page = PAGES["deployment"]
    for said, written in {
        "bodies of 64 KiB": "client_max_body_size 64k;",
        "heads of 26 KiB": "large_client_header_buffers 3 8k;",
        "waits for 60 seconds": "proxy_read_timeout 60s;",
        "optional_no_ca": "ssl_verify_client optional_no_ca;",
    }.items():
        assert said in page
        assert written in text
