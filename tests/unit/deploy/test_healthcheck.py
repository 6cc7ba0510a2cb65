"""deploy/healthcheck.py: alive is who answers 200, whoever ends TLS."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.deployment.prepared import program
from tests.ports import free_port
from tests.unit.authenticator_sim.certificates import LoopbackCertificate

is_alive = program("healthcheck").is_alive


class Answering(BaseHTTPRequestHandler):
    """200 at /healthz, 503 where the server says so."""

    def do_GET(self) -> None:
        """One answer."""
        ill = getattr(self.server, "ill", False)
        self.send_response(503 if ill or self.path != "/healthz" else 200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(tls: ssl.SSLContext | None = None, *, ill: bool = False) -> Iterator[int]:
    """A server on a port of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.ill = ill  # type: ignore[attr-defined]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_service_that_answers_is_alive():
    """Over plain http, as behind a proxy."""
    with serving() as port:
        assert is_alive(port)


def test_a_service_with_tls_of_its_own_is_alive(tmp_path: Path):
    """Its certificate is for another name, which does not matter here."""
    with serving(LoopbackCertificate.write(tmp_path).context()) as port:
        assert is_alive(port)


@pytest.mark.parametrize("there", [True, False])
def test_whoever_answers_otherwise_or_not_at_all_is_not(*, there: bool):
    """503 is an answer, and not the right one."""
    if not there:
        assert not is_alive(free_port())
        return
    with serving(ill=True) as port:
        assert not is_alive(port)
