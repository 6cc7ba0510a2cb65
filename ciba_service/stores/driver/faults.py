"""What may go wrong between us and Redis, in three kinds.

Try again; mend the program or the server; or leave a record alone that is not what it should be.
Nothing above the stores ever meets an exception of the driver.
"""

from typing import Final

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import (
    AskError,
    AuthenticationError,
    ClusterCrossSlotError,
    ClusterError,
    DataError,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    SlotNotCoveredError,
    TryAgainError,
)

from ciba_service.ports import StoreUnavailable, UnknownRecordFormat

__all__ = [
    "DRIVER_ERRORS",
    "RecordNotUnderstood",
    "StoreFault",
    "StoreProgrammingError",
    "UnsuitableRedis",
    "is_no_master",
    "start_error",
    "store_error",
]

DRIVER_ERRORS: Final = (RedisError, RedisClusterException, OSError, TimeoutError)
"""Everything the driver raises for reasons that lie outside this process."""

_TRANSIENT_REPLIES: Final = (
    AskError,  # MOVED is one, too
    ClusterError,
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
)
_NO_SUCH_DATABASE: Final = "DB index"
_NO_REPLICAS: Final = "NOREPLICAS"
"""A master says so when its replicas have left it, for a new one perhaps."""
_ABOUT_A_RECORD: Final = ("WRONGTYPE ", "user_script:", "value is not ", "hash value is not ")
"""How what Redis and its scripts say of something they stumbled over begins."""
_TRANSIENT_CODES: Final = frozenset({"BUSY", "MISCONF", _NO_REPLICAS, "UNKILLABLE"})


class StoreFault(Exception):
    """Redis did not answer, or refused for the moment: the command may or may not have run.

    ``run`` repeats the operation; its operation id makes that safe.
    """


class StoreProgrammingError(StoreUnavailable):
    """Redis refused a command for what it says, or to this user: repeating it is pointless."""


class RecordNotUnderstood(StoreProgrammingError, UnknownRecordFormat):
    """A command or a script failed at what stands under its key: others are not concerned."""


class UnsuitableRedis(Exception):
    """The server would lose data, or is not what was configured; ``reason`` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _is_transient(error: Exception) -> bool:
    if isinstance(error, _TRANSIENT_REPLIES):
        return True
    if isinstance(error, ResponseError):
        return str(error).partition(" ")[0] in _TRANSIENT_CODES
    return not isinstance(error, DataError)


def is_no_master(reply: object) -> bool:
    """Whether a reply says that another server may be the master by now."""
    if isinstance(reply, ReadOnlyError | MasterDownError):
        return True
    return isinstance(reply, ResponseError) and str(reply).startswith(_NO_REPLICAS)


def _without_arguments(error: Exception) -> str:
    """Describe an error, leaving out the command's arguments, which some messages quote."""
    kind = type(error).__name__
    if isinstance(error, MasterNotFoundError):
        return f"{kind}: {_words(error)}"
    if isinstance(error, RedisClusterException) and not isinstance(error, SlotNotCoveredError):
        return kind
    return f"{kind}: {_words(error)}"


def _words(error: Exception) -> str:
    text = str(error).partition(", with args")[0]
    # Each sentinel that was asked follows, as Python shows an object.
    return text.partition(" : ")[0] if isinstance(error, MasterNotFoundError) else text


def store_error(error: Exception) -> StoreFault | StoreProgrammingError:
    """Translate an exception of the driver; the message holds nothing that a command carried."""
    if isinstance(error, StoreFault | StoreProgrammingError):
        return error
    if _is_transient(error) and not isinstance(error, ClusterCrossSlotError):
        return StoreFault(_without_arguments(error))
    is_about_a_record = isinstance(error, ResponseError) and str(error).startswith(_ABOUT_A_RECORD)
    kind = RecordNotUnderstood if is_about_a_record else StoreProgrammingError
    return kind(_without_arguments(error))


def start_error(error: Exception) -> StoreFault | UnsuitableRedis:
    """Say in a sentence why a server cannot be used, for whoever starts the service.

    Only for what the first commands raise, which carry nothing secret but the password, and that
    is in no message.
    """
    first = error
    while isinstance(first.__cause__, DRIVER_ERRORS):
        first = first.__cause__
    match first:
        case MasterNotFoundError() if AuthenticationError.__name__ in str(first):
            return UnsuitableRedis(
                "The sentinels refuse the user: store.sentinel_username and "
                "store.sentinel_password are not right."
            )
        case AuthenticationError():
            return UnsuitableRedis(
                "Redis refuses the user: store.username and store.password, or those in the URL, "
                "are not right."
            )
        case NoPermissionError():
            return UnsuitableRedis(f"The Redis user needs more rights: {_words(first)}.")
        case ResponseError() if str(first).startswith(_NO_SUCH_DATABASE):
            return UnsuitableRedis("Redis has no database of the number at the end of its URL.")
        case ResponseError() if not _is_transient(first):
            return UnsuitableRedis(f"Redis is not what store.mode says: {_words(first)}.")
        case _:
            return StoreFault(f"Redis cannot be used: {_words(first)}")
