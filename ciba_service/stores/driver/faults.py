"""What may go wrong between us and Redis, in two kinds: try again, or mend the program.

Nothing above the stores ever meets an exception of the driver.
"""

from typing import Final

from redis.exceptions import (
    AskError,
    ClusterCrossSlotError,
    ClusterError,
    DataError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)

__all__ = ["DRIVER_ERRORS", "StoreFault", "StoreProgrammingError", "store_error"]

DRIVER_ERRORS: Final = (RedisError, RedisClusterException, OSError, TimeoutError)
"""Everything the driver raises for reasons that lie outside this process."""

_TRANSIENT_REPLIES: Final = (
    AskError,  # MOVED is one, too
    ClusterError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
_TRANSIENT_CODES: Final = frozenset({"BUSY", "MISCONF", "NOREPLICAS", "UNKILLABLE"})


class StoreFault(Exception):
    """Redis did not answer, or refused for the moment: the command may or may not have run.

    ``run`` repeats the operation; its operation id makes that safe.
    """


class StoreProgrammingError(Exception):
    """Redis refused a command for what it says: our mistake, so repeating it is pointless."""


def _is_transient(error: Exception) -> bool:
    if isinstance(error, _TRANSIENT_REPLIES):
        return True
    if isinstance(error, ResponseError):
        return str(error).partition(" ")[0] in _TRANSIENT_CODES
    return not isinstance(error, DataError)


def _without_arguments(error: Exception) -> str:
    """Describe an error, leaving out the command's arguments, which some messages quote."""
    kind = type(error).__name__
    if isinstance(error, RedisClusterException) and not isinstance(error, SlotNotCoveredError):
        return kind
    return f"{kind}: {str(error).partition(', with args')[0]}"


def store_error(error: Exception) -> StoreFault | StoreProgrammingError:
    """Translate an exception of the driver; the message holds nothing that a command carried."""
    if isinstance(error, StoreFault | StoreProgrammingError):
        return error
    if _is_transient(error) and not isinstance(error, ClusterCrossSlotError):
        return StoreFault(_without_arguments(error))
    return StoreProgrammingError(_without_arguments(error))
