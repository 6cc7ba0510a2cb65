"""How the parts of the door say that there will be no answer."""

import ssl

from ciba_service.ports.outbound import FailureReason, OutboundFailure

__all__ = ["NoAnswer", "tls_failure"]


class NoAnswer(Exception):
    """The exchange ends here; ``failure`` is what the caller is told."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(detail)
        self.failure = OutboundFailure(reason, detail)


def tls_failure(error: BaseException | None) -> NoAnswer:
    """What went wrong with TLS, in OpenSSL's words; None when the other side hung up."""
    match error:
        case ssl.SSLCertVerificationError():
            detail = f"certificate: {error.verify_message}"
        case ssl.SSLError(reason=str(reason)):
            detail = f"TLS: {reason}"
        case _:
            detail = "TLS: the connection ended"
    return NoAnswer(FailureReason.TLS_FAILED, detail)
