"""A reader at a terminal, who types what pages say and looks at what is printed."""

import os
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.docs.blocks import Block, Command, commands
from tests.docs.expected import learnt, pattern_of
from tests.docs.session import Session, moments
from tests.docs.shell import Shell
from tests.ports import free_port

BIN = Path(sys.executable).parent
PORTS = ("6379", "8060", "8070", "8080", "8081", "8090", "8443", "8444", "9090")


@dataclass
class Terminal:
    """Things are typed one after the other, and some of what was typed stays.

    ``known`` is what was seen in place of names, ``elsewhere`` what stands for other machines.
    """

    shell: Shell
    known: dict[str, str] = field(default_factory=dict)
    staying: list[Session] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(
        default_factory=lambda: {each: str(free_port()) for each in PORTS}
    )

    @property
    def folder(self) -> Path:
        """Where the reader is."""
        return self.shell.folder

    def do(self, block: Block) -> None:
        """Do what a block says."""
        match block.action:
            case "file":
                (self.folder / block.detail).write_text(self.put(block.text), "utf-8")
            case "append":
                with (self.folder / block.detail).open("a", encoding="utf-8") as file:
                    file.write(self.put(block.text))
            case "type":
                self._type(block)
            case "stop":
                self.stop(block.detail)
            case "unseen":
                self._run(replace(block, language="sh", text=block.detail.split(" until ")[0]))
            case "run":
                self._run(block)

    def put(self, text: str) -> str:
        """A text with the ports and places of this test, and what was seen in place of names."""
        for name, value in self._places().items():
            text = text.replace(name, value)
        for name, value in (*self.ports.items(), *self.known.items()):
            text = re.sub(rf"\b{name}\b", lambda _, value=value: value, text)
        return text

    def stop(self, name: str = "") -> list[Session]:
        """End what stays and has this in its name; returns it."""
        ended = [each for each in self.staying if name in each.typed]
        for each in ended:
            each.end()
            self.staying.remove(each)
        return ended

    def _places(self) -> dict[str, str]:
        """Where things are that only root could have, or one test at a time, where pages say."""
        here = self.folder.as_posix()
        return self.elsewhere | {
            "/var/lib/ciba": f"{here}/var",
            "/var/lib/redis": f"{here}/redis",
            "/etc/ciba": here,
            "/etc/redis": here,
            "/backup": f"{here}/backup",
            "-o ciba -g ciba": f"-o {os.getuid()} -g {os.getgid()}",
            "redis-cli": "redis-cli -p 6379",
            "authenticator-sim web": "authenticator-sim web --port 8070",
            "ciba-client listen": "ciba-client listen --listen 127.0.0.1:9090",
            "ciba-client playground": "ciba-client playground --port 8060",
        }

    def _run(self, block: Block) -> None:
        *_, last = typed = commands(block)
        for command in typed:
            if command is last and (block.until or block.detail == "stays"):
                self._start(block, command)
                continue
            ends = block.detail.removeprefix("exit ") if command is last else ""
            status = int(ends) if ends.isdecimal() else 0
            wrong = self._tried(block, command, status)
            for _ in moments() if wrong and block.detail == "soon" else ():
                if not (wrong := self._tried(block, command, status)):
                    break
            assert not wrong, wrong

    def _tried(self, block: Block, command: Command, status: int) -> str:
        """What is wrong with a command, if anything."""
        typed = self.put(command.typed)
        ended, printed = self._result(typed)
        if ended != status:
            return f"line {block.line}: {typed} ended with {ended}\n{printed}"
        if command.shown is None:
            self.known |= learnt(printed)
            return ""
        whole = printed if printed.endswith("\n") or not printed else f"{printed}\n"
        found = pattern_of(self._expected(command.shown)).fullmatch(whole)
        if not found:
            return f"line {block.line}: shown is\n{command.shown}\nbut printed was\n{printed}"
        self.known |= found.groupdict()
        return ""

    def _expected(self, shown: str) -> str:
        for name, port in self.ports.items():
            shown = re.sub(rf"\b{name}\b", port, shown)
        return shown

    def _result(self, typed: str) -> tuple[int, str]:
        match typed.split():
            case ["systemctl", verb, unit]:
                return self._systemctl(verb, f"{unit} serve --config ciba.toml")
            case _:
                return self.shell.run(typed)

    def _systemctl(self, verb: str, command: str) -> tuple[int, str]:
        """What systemd does with a unit: end its command, or have it run and be ready."""
        if verb == "stop":
            return (0 if self.stop(command) else 1), ""
        self._stay(command, re.compile('"event":"listening"'))
        return 0, ""

    def _type(self, block: Block) -> None:
        name = block.detail.split(" until ")[0]
        (session,) = (each for each in self.staying if name in each.typed)
        session.types(self.put(block.text).rstrip("\n"))
        session.reads(re.compile(re.escape(block.until)))

    def _start(self, block: Block, command: Command) -> None:
        if command.shown is None:
            pattern = re.compile(re.escape(self.put(block.until)))
        else:
            pattern = re.compile(rf"\A{pattern_of(self._expected(command.shown)).pattern}")
        self._stay(self.put(command.typed), pattern)

    def _stay(self, typed: str, pattern: re.Pattern[str]) -> None:
        session = Session(typed, self.folder)
        self.staying.append(session)
        self.known |= session.reads(pattern).groupdict()
