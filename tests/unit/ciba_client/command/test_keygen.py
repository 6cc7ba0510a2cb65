"""``ciba-client keygen``: the private half in a file, the public half to register."""

import json
import stat
import tomllib
from pathlib import Path

import pytest

from ciba_client import parse_signing_key
from ciba_client.cli import main


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA", "RS256"])
def test_a_key_pair_is_made_for_each_algorithm(
    alg: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The file holds a usable private key; what is printed is its public half alone."""
    out = tmp_path / "till.jwk"
    assert main(["keygen", str(out), "--alg", alg, "--kid", "till-1"]) == 0
    (public,) = json.loads(capsys.readouterr().out)["keys"]
    signing_key = parse_signing_key(out.read_bytes())
    assert (signing_key.algorithm, signing_key.kid) == (alg, "till-1")
    assert public["kid"] == "till-1"
    assert "d" not in public
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_the_public_key_is_printed_for_the_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """With --toml the line can be pasted into ciba.toml."""
    assert main(["keygen", str(tmp_path / "till.jwk"), "--toml"]) == 0
    (public,) = tomllib.loads(capsys.readouterr().out)["jwks"]["keys"]
    assert public["kid"].startswith("till-")


def test_an_existing_key_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A second run on the same file is refused and leaves it as it was."""
    out = tmp_path / "till.jwk"
    out.write_text("precious")
    assert main(["keygen", str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert out.read_text() == "precious"


def test_a_place_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A missing folder is named in one sentence."""
    assert main(["keygen", str(tmp_path / "nowhere" / "till.jwk")]) == 2
    assert "cannot be written" in capsys.readouterr().err
