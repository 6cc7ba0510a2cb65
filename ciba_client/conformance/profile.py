"""The profiles that a provider can be tested for."""

from enum import StrEnum
from typing import Final

__all__ = ["CORE", "FAPI", "FAPI1", "FAPI2", "Profile"]


class Profile(StrEnum):
    """CIBA Core 1.0, its profile of FAPI 1.0 (Implementer's Draft 1), and that of FAPI 2.0."""

    CIBA_CORE = "ciba-core"
    FAPI_CIBA = "fapi-ciba"
    FAPI2_CIBA = "fapi2-ciba"


CORE: Final = frozenset({Profile.CIBA_CORE})
FAPI: Final = frozenset({Profile.FAPI_CIBA, Profile.FAPI2_CIBA})
FAPI1: Final = frozenset({Profile.FAPI_CIBA})
FAPI2: Final = frozenset({Profile.FAPI2_CIBA})
