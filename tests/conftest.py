"""What all tests share: the record of proven clauses, settings of Hypothesis, logging as found."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ("pytester", "tests.service_fixtures", "tools.clause_plugin")

# A busy machine is no counterexample: pytest-timeout alone bounds how long a test may take.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A command under test configures the root logger; the next test must not write to it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
