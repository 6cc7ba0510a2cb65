"""Which of its doors a service opens."""

from enum import StrEnum

__all__ = ["Doors"]


class Doors(StrEnum):
    """``WHOLE``: all of them.

    ``APPROVAL_BACKEND``: those of phones, and where clients ask for decisions. Tokens, their
    endpoints and all metadata are another's.
    """

    WHOLE = "whole"
    APPROVAL_BACKEND = "approval_backend"
