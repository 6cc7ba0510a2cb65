"""What the tests of the door share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.channels.outbound.far_ends import Street


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    """Opens doors and far ends."""
    opened = Street(tmp_path)
    async with opened.stack:
        yield opened
