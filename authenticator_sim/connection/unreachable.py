"""Why the service cannot be reached, in one sentence for the user."""

import ssl
from collections.abc import Iterator

__all__ = ["why_unreachable"]


def why_unreachable(error: BaseException) -> str:
    """Tell a certificate that is not trusted from everything else, since the user can mend it."""
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return (
                f"The certificate of the service is not trusted ({each.verify_message}): "
                "--ca-file names the authorities to trust."
            )
    return "The service cannot be reached."


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__
