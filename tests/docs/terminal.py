"""A reader at a terminal, who types what pages say and looks at what is printed.

Commands of the three programs run in this process: what a process of its own adds is a second in
which it is loaded. Whatever else is typed goes to a shell.
"""

import logging
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import authenticator_sim.cli
import ciba_client.cli
import ciba_service.cli
from tests.docs.blocks import Block, commands
from tests.docs.expected import pattern_of
from tests.service_process import free_port

BIN = Path(sys.executable).parent
LONGEST_SECONDS = 40
PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "ciba-service": ciba_service.cli.main,
    "ciba-client": ciba_client.cli.main,
    "authenticator-sim": authenticator_sim.cli.main,
}
_FOR_A_SHELL = re.compile(r"[|<>&;$*]")


@dataclass
class Terminal:
    """A folder in which things are typed one after the other."""

    folder: Path
    known: dict[str, str] = field(default_factory=dict)
    staying: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)
    ports: dict[str, str] = field(
        default_factory=lambda: {
            each: str(free_port()) for each in ("8080", "8443", "8444", "9090")
        }
    )

    def do(self, block: Block) -> None:
        """Do what a block says."""
        match block.action:
            case "file":
                (self.folder / block.detail).write_text(self.put(block.text), "utf-8")
            case "append":
                with (self.folder / block.detail).open("a", encoding="utf-8") as file:
                    file.write(self.put(block.text))
            case "stop":
                self.stop(block.detail)
            case "run" if block.detail == "stays":
                self._start(block)
            case "run":
                self._run(block)

    def put(self, text: str) -> str:
        """A text with the ports of this test and what was seen in place of names."""
        for name, value in (*self.ports.items(), *self.known.items()):
            text = re.sub(rf"\b{name}\b", lambda _, value=value: value, text)
        return text

    def stop(self, name: str = "") -> None:
        """End what stays and begins so, as Ctrl-C does."""
        for each in list(self.staying):
            command, process = each
            if command.startswith(name):
                process.terminate()
                process.wait(LONGEST_SECONDS)
                self.staying.remove(each)

    def _run(self, block: Block) -> None:
        *_, last = typed = commands(block.text)
        for command in typed:
            ends = block.detail.removeprefix("exit ") if command is last else ""
            status = int(ends) if ends.isdecimal() else 0
            for _ in _moments() if block.detail == "soon" else ():
                if self._result(self.put(command.typed))[0] == status:
                    break
            result = self._result(self.put(command.typed))
            assert result[0] == status, f"line {block.line}: {command.typed}\n{result[1]}"
            self._compare(block, command.shown, result[1])

    def _compare(self, block: Block, shown: str, output: str) -> None:
        whole = output if output.endswith("\n") or not output else f"{output}\n"
        found = pattern_of(self._expected(shown)).fullmatch(whole)
        assert found, f"line {block.line}: shown is\n{shown}\nbut printed was\n{output}"
        self.known |= found.groupdict()

    def _expected(self, shown: str) -> str:
        for name, port in self.ports.items():
            shown = re.sub(rf"\b{name}\b", port, shown)
        return shown

    def _result(self, typed: str) -> tuple[int, str]:
        if typed.startswith("export "):
            name, _, value = typed.removeprefix("export ").partition("=")
            os.environ[name] = value
            return 0, ""
        words = [] if _FOR_A_SHELL.search(typed) else shlex.split(typed)
        if words and words[0] in PROGRAMS:
            return _here(lambda: PROGRAMS[words[0]](words[1:]))
        if words and words[0] == "python":
            return _here(lambda: _python(self.folder / words[1]))
        run = subprocess.run(  # noqa: S603 - what our own pages say
            ("/bin/bash", "-c", typed),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        return run.returncode, run.stdout

    def _start(self, block: Block) -> None:
        (command,) = commands(block.text)
        typed, log = self.put(command.typed), self.folder / f"output-{len(self.staying)}"
        program, *words = shlex.split(typed)
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - what our own pages say
                (shutil.which(program) or program, *words),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.staying.append((typed, process))
        pattern = pattern_of(self._expected(command.shown))
        for _ in _moments():
            said = log.read_text("utf-8")
            if pattern.match(said):
                return
            assert process.poll() is None, f"line {block.line}: it ended:\n{said}"
        raise AssertionError(f"line {block.line}: it says\n{log.read_text('utf-8')}")


def _moments() -> Iterator[None]:
    """Come again every so often, until it is too long."""
    until = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < until:
        yield
        time.sleep(0.05)


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
