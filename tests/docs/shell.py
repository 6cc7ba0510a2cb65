"""A shell: what is typed ends, and has printed something.

Commands of the three programs run in this process: what a process of its own adds is a second in
which it is loaded. Whatever else is typed goes to bash.
"""

import logging
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import authenticator_sim.cli
import ciba_client.cli
import ciba_service.cli
from tests.docs.session import LONGEST_SECONDS, Session

PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "ciba-service": ciba_service.cli.main,
    "ciba-client": ciba_client.cli.main,
    "authenticator-sim": authenticator_sim.cli.main,
}
_ASSIGNMENT = re.compile(r"(?:export )?(?P<name>\w+)=(?P<value>\$\(.+\)|\S+)(?: +#.*)?")
_FOR_BASH = re.compile(r"[|<>&;$*]")


@dataclass
class Shell:
    """Knows in which folder it is."""

    folder: Path

    def run(self, typed: str) -> tuple[int, str]:
        """How a command ended, and what it printed."""
        words = [] if _FOR_BASH.search(typed) else shlex.split(typed, comments=True)
        match [Path(word).name if word.startswith(".venv/") else word for word in words]:
            case ["make", "setup"]:  # The tests run in what it has made.
                return 0, ""
            case ["python", file]:
                return _here(lambda: _python(self.folder / file))
            case ["authenticator-sim", *_] if "AUTHENTICATOR_SIM_PIN" not in os.environ:
                session = Session(typed, self.folder)
                return session.ends(), session.said
            case [program, *options] if program in PROGRAMS:
                return _here(lambda: PROGRAMS[program](options))
            case _:
                return self._bash(typed)

    def _bash(self, typed: str) -> tuple[int, str]:
        # Variables and the folder outlive this shell.
        if assigned := _ASSIGNMENT.fullmatch(typed):
            name, value = assigned["name"], assigned["value"]
            status, os.environ[name] = self._bash(f'it={value}; printf %s "$it"')
            return status, ""
        reads, writes = os.pipe()
        run = subprocess.run(  # noqa: S603 - what our own pages say
            ("/bin/bash", "-c", f"{typed}\n{{ it=$?; pwd >&{writes}; exit $it; }}"),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[writes],
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        os.close(writes)
        self.folder = Path(os.read(reads, 4096).decode().strip() or self.folder)
        os.close(reads)
        os.chdir(self.folder)  # for what runs here
        return run.returncode, run.stdout


def _here(program: Callable[[], int]) -> tuple[int, str]:
    output, root = StringIO(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with redirect_stdout(output), redirect_stderr(output):
        try:
            status = program()
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    return int(status), output.getvalue()


def _python(file: Path) -> int:
    """Run a program that finds the modules beside it, as ``python FILE`` does."""
    beside = {each.stem for each in file.parent.glob("*.py")}
    sys.path.insert(0, str(file.parent))
    try:
        runpy.run_path(str(file), run_name="__main__")
    finally:
        sys.path.remove(str(file.parent))
        for name in beside & sys.modules.keys():
            if Path(getattr(sys.modules[name], "__file__", None) or "").parent == file.parent:
                del sys.modules[name]
    return 0
