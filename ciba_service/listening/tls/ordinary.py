"""TLS of the ordinary listener: it asks for no client certificate."""

import ssl
from typing import Any, Final, Self

from ciba_service.listening.tls.alerts import AlertingHandshake
from ciba_service.listening.tls.identity import InvalidTlsError
from ciba_service.listening.tls.offer import TLS_1_2_SUITES, TlsOffer

__all__ = ["OrdinaryContext"]

# Until then OpenSSL takes finite fields of up to 8192 bits for the exchange of keys: 150 ms for
# each hello, which costs a stranger nothing. Python can name one group only, so it is the one that
# everybody knows (RFC 8446 9.1); whoever guesses another is told so, and comes again.
_WITHOUT_LARGE_FIELDS: Final = (3, 5)
_GROUP: Final = "prime256v1"


class _OrdinaryConnection(ssl.SSLObject):
    """A connection whose refused handshake ends in an alert."""

    handshake: AlertingHandshake

    def do_handshake(self) -> None:
        """Go on with the handshake; raises ``ssl.SSLError``."""
        self.handshake.go_on()
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as refusal:
            raise self.handshake.refused(refusal) from refusal


class OrdinaryContext(ssl.SSLContext):
    """Python's own TLS, as ``TlsOffer`` says."""

    sslobject_class = _OrdinaryConnection

    @classmethod
    def create(cls, offer: TlsOffer) -> Self:
        """Make the context; raises ``InvalidTlsError``."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = (
            ssl.TLSVersion.TLSv1_2 if offer.tls_1_2 else ssl.TLSVersion.TLSv1_3
        )
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        context.num_tickets = 0
        if ssl.OPENSSL_VERSION_INFO < _WITHOUT_LARGE_FIELDS:
            context.set_ecdh_curve(_GROUP)
        identity = offer.identity
        try:
            context.set_ciphers(TLS_1_2_SUITES)
            # The identity was read before: its key needs no password.
            context.load_cert_chain(identity.certificate_file, identity.key_file, lambda: b"")
        except (ssl.SSLError, OSError) as error:
            raise InvalidTlsError(
                f"TLS cannot be offered with {identity.certificate_file}: {error}"
            ) from error
        return context

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **options: Any) -> Any:  # type: ignore[override] # noqa: ANN401 - as ssl has it
        """Begin a connection."""
        connection = super().wrap_bio(incoming, outgoing, **options)
        connection.handshake = AlertingHandshake(outgoing)  # type: ignore[attr-defined]
        return connection
