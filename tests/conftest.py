"""What all tests share: the record of proven clauses, settings of Hypothesis, logging as found."""

import functools
import hashlib
import logging
import signal
from collections.abc import Iterator
from typing import Final

import httpcore2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, settings
from joserfc._rfc7518.rsa_key import RSABinding, RSADictKey
from slipcover import Slipcover

from tests.unit.protocol.client.certificates.authority import self_signed

pytest_plugins = (
    "pytester",
    "tests.services.service_fixtures",
    "tests.collecting",
    "tools.clause_plugin",
)

# A busy machine is no counterexample: pytest-timeout alone bounds how long a test may take.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

# Whoever is begun in the background of a script ignores interruptions, and so do its children: the
# commands that are interrupted here must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# To follow a line no longer once it was seen stops the process for a tenth of a second, again and
# again, and takes more time than it saves.
Slipcover.deinstrument_seen = lambda _: None

_FIRST: Final = ("tests/resilience/", "tests/interop/", "tests/browser/", "tests/docs/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for processes most, so that no worker ends the run alone with it."""
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))


@pytest.fixture(autouse=True, scope="session")
def derived_once() -> Iterator[None]:
    """The 600,000 rounds of PBKDF2 are real, and done once a worker for the same PIN and salt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashlib, "pbkdf2_hmac", functools.cache(hashlib.pbkdf2_hmac))
        yield


@pytest.fixture(autouse=True, scope="session")
def verified_once() -> Iterator[None]:
    """A private RSA key is tested for primes, which takes 60 ms, once a worker."""
    read, known = RSABinding.import_private_key, dict[tuple[object, ...], RSAPrivateKey]()

    def remembered(members: RSADictKey) -> RSAPrivateKey:
        name = tuple(sorted((member, str(value)) for member, value in members.items()))
        if name not in known:
            known[name] = read(members)
        return known[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RSABinding, "import_private_key", remembered)
        yield


@pytest.fixture(autouse=True, scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Who trusts the system's authorities trusts one: to read them all takes 20 ms each time.

    The HTTP client passes over the environment where it is to; what it reads instead is as long.
    """
    path = tmp_path_factory.mktemp("authority") / "one.pem"
    path.write_bytes(self_signed("nobody", days=(-1, 36_500)).public_bytes(Encoding.PEM))
    read = httpcore2.default_ssl_context
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(path))
        patch.setattr(httpcore2, "default_ssl_context", lambda **_: read())
        yield


CONFIGURED = ("", "uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
"""The loggers that commands and servers configure."""


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A program under test configures loggers; those of the next test must be as ever."""
    loggers = [logging.getLogger(name) for name in CONFIGURED]
    found = [
        (logger, list(logger.handlers), logger.level, logger.propagate, logger.disabled)
        for logger in loggers
    ]
    yield
    for logger, handlers, level, propagate, disabled in found:
        logger.handlers[:] = handlers
        logger.propagate, logger.disabled = propagate, disabled
        logger.setLevel(level)
