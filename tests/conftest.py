"""What all tests share: the record of proven clauses, and logging left as it was found."""

import logging
from collections.abc import Iterator

import pytest

pytest_plugins = ("pytester", "tests.service_fixtures", "tools.clause_plugin")


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """A command under test configures the root logger; the next test must not write to it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
