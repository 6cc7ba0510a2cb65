"""What the generator and the door agree on; nothing heavy is imported for it."""

from typing import Final

__all__ = ["APPROVE_PATH", "CLIENT_ID", "USERS", "user_name"]

CLIENT_ID: Final = "bench-client"
USERS: Final = 5_000
APPROVE_PATH: Final = "/bench/approve"


def user_name(number: int) -> str:
    """The subject and the login hint of a user."""
    return f"user-{number % USERS}"
