"""Where certificates are kept that all tests of the provider share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that goes with the session."""
    return tmp_path_factory.mktemp("wrong-provider")
