"""The documentation site, built once a worker."""

import pytest

from tests.docs.site import BuiltSite, read_site
from tools.site.generator import build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    """The site as `make docs` builds it, in a folder of its own."""
    place = tmp_path_factory.mktemp("site")
    return read_site(build(place))
