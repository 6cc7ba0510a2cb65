"""The production tutorial makes a cluster that the service takes; all its nodes are here."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509

from tests.docs.blocks import blocks
from tests.docs.terminal import Terminal
from tests.ports import free_port
from tests.redis.servers import REDIS_SERVER, _until
from tests.unit.channels.outbound.far_ends import ca_file, key, server_certificate, write_pem
from tools.site.pages import DOCS

PAGE = DOCS / "tutorials/production.md"
NODES = range(1, 7)


def test_its_settings_make_a_cluster_that_the_service_takes(terminal: Terminal):
    """Certificates, users and replicas as on the page: it forms, and replicas are there."""
    ports = {number: free_port() for number in NODES}
    for number, port in ports.items():
        terminal.elsewhere[f"redis-{number}:6379"] = f"localhost:{port}"
        terminal.elsewhere[f"10.0.1.{number}:6379"] = f"127.0.0.1:{port}"
    certify(terminal.folder)
    with ExitStack() as running:
        for block in blocks(PAGE):
            terminal.do(block)
            if block.action == "append":  # what stands there is complete
                for port in ports.values():
                    running.enter_context(node(terminal.folder, port))


def certify(folder: Path) -> None:
    """One certificate for all nodes, and the authority that the service trusts."""
    names = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    write_pem(folder, "redis", [server_certificate(names=names)], key(owner="far"))
    Path(ca_file(folder)).rename(folder / "redis-ca.pem")


@contextmanager
def node(folder: Path, port: int) -> Iterator[None]:
    """A server of its own with the settings of the page, its ports and its name."""
    own = folder / f"node-{port}"
    own.mkdir()
    options = {"tls-port": port, "cluster-port": free_port(), "bind": "127.0.0.1"}
    options |= {"dir": own, "logfile": "log", "cluster-announce-hostname": "localhost"}
    words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    server = subprocess.Popen(  # noqa: S603 - the command is written above
        [REDIS_SERVER, folder / "redis.conf", *words], stdin=subprocess.DEVNULL
    )
    try:
        _until(lambda: "Ready to accept" in text_of(own / "log"), server)
        yield
    finally:
        server.kill()
        server.wait()


def text_of(file: Path) -> str:
    """What stands in a file that may not be there yet."""
    return file.read_text("utf-8") if file.exists() else ""
