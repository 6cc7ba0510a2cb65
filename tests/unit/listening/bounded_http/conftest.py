"""Every test here holds on both event loops."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.unit.authenticator_sim.certificates import LoopbackCertificate
from tests.unit.listening.bounded_http.bare_http import HASTY, PATIENT, Listener, listening

LoopFactories = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories() -> LoopFactories:
    """The loop of the standard library, and the one that the service runs on."""
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def patient() -> AsyncIterator[Listener]:
    """A listener that waits."""
    async with listening(PATIENT) as listener:
        yield listener


@pytest.fixture
async def hasty() -> AsyncIterator[Listener]:
    """A listener that does not."""
    async with listening(HASTY) as listener:
        yield listener


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> LoopbackCertificate:
    """A certificate for this machine."""
    directory: Path = tmp_path_factory.mktemp("certificate")
    return LoopbackCertificate.write(directory)


@pytest.fixture
def server_tls(certificate: LoopbackCertificate) -> ssl.SSLContext:
    """What a listener has."""
    return certificate.context()


@pytest.fixture
def client_tls(certificate: LoopbackCertificate) -> ssl.SSLContext:
    """What trusts it."""
    return ssl.create_default_context(cafile=str(certificate.chain))
