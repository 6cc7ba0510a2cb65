"""Comparison of secrets without telling how far they agree."""

import hmac

__all__ = ["equal_secrets"]


def equal_secrets(presented: str, expected: str) -> bool:
    """Whether two texts are the same, in time that does not depend on where they differ."""
    return hmac.compare_digest(
        presented.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )
