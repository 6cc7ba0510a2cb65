"""``ciba-client conformance`` from its flags to its exit status."""

import asyncio
import json
from pathlib import Path

import pytest

from ciba_client.cli import ExitStatus, main
from ciba_client.conformance.checks.registry import CHECKS
from tests.services.running_service import RunningService
from tests.wire.signing import new_key

PLAN = """
issuer = "{issuer}"
profile = "ciba-core"
[client]
client_id = "till"
key = "till.jwk"
{more}
[request]
login_hint = "alice"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a key of a client, which nobody else can read."""
    key = tmp_path / "till.jwk"
    key.write_text(json.dumps(new_key().as_dict(private=True)))
    key.chmod(0o600)
    return tmp_path


def configured(folder: Path, issuer: str = "http://127.0.0.1:1", more: str = "") -> Path:
    """A configuration."""
    path = folder / "conformance.toml"
    path.write_text(PLAN.format(issuer=issuer, more=more))
    return path


def conformance(*arguments: object) -> int:
    """Run the command."""
    return main(["conformance", *map(str, arguments)])


def test_the_list_has_every_check(capsys: pytest.CaptureFixture[str]):
    """A line each, with its clauses; nothing is run."""
    assert conformance("--list") == ExitStatus.DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS)
    assert lines[0].startswith("discovery-document ")
    assert lines[0].endswith("(oidd-4-1)")


def test_the_list_can_be_that_of_a_profile_and_mode(capsys: pytest.CaptureFixture[str]):
    """What does not apply is left out."""
    assert conformance("--list", "--profile", "ciba-core", "--mode", "poll") == ExitStatus.DONE
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "poll-pending" in names
    assert not {"ping-sent", "request-unsigned"} & set(names)


async def test_a_provider_that_passes_ends_with_zero(service: RunningService, folder: Path):
    """All reports are written, and say the same."""
    config = configured(folder, service.issuer)
    files = {name: folder / f"report.{name}" for name in ("html", "json", "junit", "markdown")}
    flags = [flag for name, path in files.items() for flag in (f"--{name}", path)]
    status = await asyncio.to_thread(
        conformance, "--config", config, "--only", "discovery-*", "--only", "jwks-key-ids", *flags
    )
    assert status == ExitStatus.DONE
    made = json.loads(files["json"].read_bytes())
    assert made["totals"]["failed"] == 0
    assert "jwks-key-ids" in {each["id"] for each in made["checks"]}
    assert all(path.stat().st_size > 500 for path in files.values())


async def test_a_provider_that_fails_ends_with_one(
    service: RunningService, folder: Path, capsys: pytest.CaptureFixture[str]
):
    """The summary says what was expected, and quotes the clause."""
    config = configured(folder, service.issuer)  # with a key that it does not know
    status = await asyncio.to_thread(
        conformance, "--config", config, "--only", "acknowledgement-shape", "--quiet"
    )
    assert status == ExitStatus.NO_TOKENS
    said = capsys.readouterr().err
    assert "expected an acknowledgement, 200" in said
    assert "the answer was status 401 invalid_client" in said
    assert "ciba-7.3-1" in said


def test_a_provider_that_is_not_there_ends_with_one(folder: Path):
    """Nothing could be judged."""
    assert conformance("--config", configured(folder), "--quiet") == ExitStatus.NO_TOKENS


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--only", "no-such-check"), "no check of this profile and mode is called no-such-check"),
        (("--only", "ping-sent"), "is called ping-sent"),
        (("--mode", "ping"), "mode ping needs [notifications]"),
        (("--issuer", "http://op.example"), "the issuer must be https"),
        (("--html", "/no/such/folder/report.html"), "there is no such folder"),
    ],
)
def test_wrong_usage_ends_with_two(
    folder: Path, capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], complaint: str
):
    """And says what is wrong, before anything is sent."""
    assert conformance("--config", configured(folder), *flags) == ExitStatus.USAGE
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("parallel = 4", "unknown field `parallel`"),
        ('token_endpoint_auth_method = "tls_client_auth"', "needs a certificate"),
        ('dpop_key = "missing.jwk"', "missing.jwk"),
        ('certificate = "till.jwk"', "a certificate, its key or ca_file cannot be used"),
    ],
)
def test_a_wrong_configuration_ends_with_two(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, complaint: str
):
    """And is named."""
    assert conformance("--config", configured(folder, more=line)) == ExitStatus.USAGE
    assert complaint in capsys.readouterr().err


def test_without_a_configuration_it_says_where_one_is_explained(
    capsys: pytest.CaptureFixture[str],
):
    """The example."""
    assert conformance() == ExitStatus.USAGE
    assert "conformance.example.toml" in capsys.readouterr().err


def test_exactly_one_hint_is_needed(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Else there is nobody to ask, or two."""
    path = configured(folder)
    path.write_text(path.read_text() + 'id_token_hint = "x"\n')
    assert conformance("--config", path) == ExitStatus.USAGE
    assert "[request] needs one of" in capsys.readouterr().err


def test_a_key_that_others_can_read_is_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]):
    """And used."""
    (folder / "till.jwk").chmod(0o644)
    conformance("--config", configured(folder), "--quiet")
    assert "its mode should be 0600" in capsys.readouterr().err
