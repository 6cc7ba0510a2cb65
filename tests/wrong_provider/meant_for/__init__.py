"""All cases, a file for each subject."""

from typing import Final

from tests.wrong_provider.cases import Case
from tests.wrong_provider.meant_for.bindings import BINDINGS
from tests.wrong_provider.meant_for.clients import CLIENTS
from tests.wrong_provider.meant_for.documents import DOCUMENTS
from tests.wrong_provider.meant_for.flows import FLOWS
from tests.wrong_provider.meant_for.notifications import NOTIFICATIONS
from tests.wrong_provider.meant_for.requests import REQUESTS

__all__ = ["CASES"]

CASES: Final[tuple[Case, ...]] = (
    *DOCUMENTS,
    *CLIENTS,
    *REQUESTS,
    *FLOWS,
    *NOTIFICATIONS,
    *BINDINGS,
)
