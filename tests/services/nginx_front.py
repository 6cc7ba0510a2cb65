"""nginx with the files of deploy/nginx, on free ports of this machine."""

import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.deployment.compose_files import ROOT, command_of
from tests.ports import held_ports
from tests.redis.servers import _until

SHIPPED = ROOT / "deploy/nginx"


_PORTS: Final = (8080, 8443, 8444, 8445, 8446, 8060, 8061, 8062, 8070)


def _free_ports() -> dict[int, int]:
    with held_ports(len(_PORTS)) as free:
        return dict(zip(_PORTS, free, strict=True))


@dataclass(frozen=True)
class Front:
    """Where a copy of the files stands, and what differs from them: places and ports."""

    directory: Path
    certificate: Path
    replicas: tuple[int, int]
    kind: str = "tls"
    ports: Mapping[int, int] = field(default_factory=_free_ports)

    def substitutions(self) -> dict[str, dict[str, str]]:
        """For each file what is replaced by what, in order; every one must occur."""
        tls = {"/etc/nginx/tls/": f"{self.certificate}/"}
        listens = {name: f"listen 127.0.0.1:{self.ports[port]}" for name, port in _LISTENS.items()}
        first, second = self.replicas
        front = {
            "development": ("listen 8080",),
            "tls": ("listen 8443", "listen 8445"),
        }[self.kind]
        return {
            "nginx.conf": {
                "server ciba-1:8080": f"server 127.0.0.1:{first}",
                "server ciba-2:8080": f"server 127.0.0.1:{second}",
                "access_log /dev/stdout": "access_log /tmp/access.log",
                " /tmp/": f" {self.directory}/",
            },
            f"front.{self.kind}.conf": {name: listens[name] for name in front}
            | ({"phone-web:8070": f"127.0.0.1:{self.ports[8070]}"} if self.kind == "tls" else {}),
            "mtls.conf": {"listen 8444": listens["listen 8444"]},
            "playground.conf": {
                **{name: listens[name] for name in ("listen 8061", "listen 8446")},
                **{f"127.0.0.1:{each}": f"127.0.0.1:{self.ports[each]}" for each in (8060, 8062)},
            },
            "service.conf": {},
            "tls.conf": tls,
        }

    def write(self) -> Path:
        """Copy the files; returns the first."""
        self.directory.mkdir(exist_ok=True)
        for name, replaced in self.substitutions().items():
            text = (SHIPPED / name).read_text("utf-8")
            for ours, theirs in replaced.items():
                assert ours in text, f"{name} has no {ours}"
                text = text.replace(ours, theirs)
            target = "front.conf" if name.startswith("front.") else name
            (self.directory / target).write_text(text, "utf-8")
        return self.directory / "nginx.conf"

    def command(self, *further: str) -> Sequence[str]:
        """The command of docker-compose.yml, on the copy."""
        copy = str(self.write())
        shipped = (copy if word.endswith(".conf") else word for word in command_of("nginx"))
        return ("nginx", *shipped, *further)


_LISTENS = {f"listen {port}": port for port in (8080, 8443, 8444, 8445, 8446, 8061)}


@contextmanager
def nginx(front: Front) -> Iterator[Front]:
    """Run it until the end of the block."""
    with (front.directory.parent / "nginx.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - the command is written above
            front.command(), stdin=subprocess.DEVNULL, stderr=log
        )
        try:
            _until(lambda: _listens(front.ports[8444]), server)
            yield front
        finally:
            server.terminate()
            server.wait()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
