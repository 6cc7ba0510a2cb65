"""Commands that are started without standard input or output, or whose reader goes away."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
ISSUER = "http://127.0.0.1:1"
NO_PIN = "No PIN: give --pin-file or AUTHENTICATOR_SIM_PIN, or use a terminal."


async def ended(script: str, directory: Path) -> tuple[int | None, str]:
    """Exit status and standard error of a line for the shell."""
    bash = await asyncio.create_subprocess_exec(
        "bash", "-c", f'PATH="{BIN}:$PATH"; {script}',
        cwd=directory, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, err = await bash.communicate()
    return bash.returncode, err.decode()


@pytest.mark.parametrize(
    ("script", "status", "sentence"),
    [
        (
            f"authenticator-sim enrol --issuer {ISSUER} --activation-code K7QM-2RXP-9D4T <&-",
            2,
            f"authenticator-sim: {NO_PIN}\n",
        ),
        ("authenticator-sim scenarios list <&- >&- 2>&-", 0, ""),
        ("ciba-client keygen till.jwk --toml <&- >&- 2>&-", 0, ""),
        (
            f"ciba-client start --issuer {ISSUER} --client-id c --login-hint a --user-code <&-",
            2,
            "ciba-client: the user code is empty\n",
        ),
    ],
)
async def test_streams_that_are_closed_lead_nowhere(
    tmp_path: Path, script: str, status: int, sentence: str
):
    """A command does what it can without them, and says what it cannot."""
    assert await ended(script, tmp_path) == (status, sentence)


@pytest.mark.parametrize("line", ["authenticator-sim scenarios list", "ciba-client keygen k.jwk"])
async def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path, line: str):
    """Nor does what is left of the output come back when the program ends."""
    program, *arguments = line.split()
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        BIN / program, *arguments,
        cwd=tmp_path, stdout=writer, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    os.close(writer)
    _, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")
