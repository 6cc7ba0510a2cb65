"""A TLS connection by pyOpenSSL that behaves to asyncio and uvloop as ``ssl.SSLObject`` does."""

import ssl
from collections.abc import Callable
from typing import Any, Final, Never, TypeVar

from OpenSSL import SSL, crypto

from ciba_service.listening.tls.alerts import AlertingHandshake
from ciba_service.listening.tls.records import RecordReader

__all__ = ["ClientCertificateConnection"]

# The content of one record (RFC 8446 5.1), and room for the record around it.
_PLAIN: Final = 16_384
_SEALED: Final = _PLAIN + 2_048

_Result = TypeVar("_Result")


class ClientCertificateConnection(ssl.SSLObject):
    """The server's side of one connection, over the two buffers of the event loop."""

    def __init__(
        self,
        context: ssl.SSLContext,
        connection: SSL.Connection,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        self._context = context
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._records = RecordReader(incoming)
        self._handshake = AlertingHandshake(outgoing)
        connection.set_accept_state()

    def peer_certificates(self) -> tuple[bytes, ...]:
        """What the client showed and proved to hold the key of: DER, its own first.

        It is neither checked nor parsed; OpenSSL takes at most 100 KiB of it.
        """
        leaf = self._connection.get_peer_certificate()
        if leaf is None:
            return ()
        # On the server's side OpenSSL keeps the client's own certificate apart from its chain.
        chain = self._connection.get_peer_cert_chain() or []
        return (_der(leaf), *map(_der, chain))

    def do_handshake(self) -> None:
        """Go on with the handshake; raises ``ssl.SSLError``."""
        self._handshake.go_on()
        try:
            self._exchange(self._connection.do_handshake)
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as refusal:
            raise self._handshake.refused(refusal) from refusal

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002, ANN401 - as ssl has it
        """Read what one record holds; empty, or 0 into a buffer, is the peer's close_notify."""
        try:
            return self._read(len, buffer)
        except ssl.SSLZeroReturnError:
            # As ssl does: an end, unless both sides have ended.
            if self._connection.get_shutdown() & SSL.SENT_SHUTDOWN:
                raise
            return b"" if buffer is None else 0

    def write(self, data: Any) -> int:  # noqa: ANN401 - any buffer
        """Write at most one record of ``data``; returns how many bytes that were."""
        with memoryview(data) as view, view.cast("B") as plain:
            if not plain:
                return 0
            return self._exchange(lambda: self._connection.send(plain[:_PLAIN]))

    def unwrap(self) -> None:
        """Send close_notify and wait for the peer's; raises ``ssl.SSLError``."""
        self._exchange(self._shut_down)

    def pending(self) -> int:
        """How many decrypted bytes are left of the last record."""
        return self._connection.pending()

    def getpeercert(self, binary_form: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - as ssl has it
        """The client's own certificate as DER; otherwise ``{}``, as for an unverified one."""
        certificates = self.peer_certificates()
        if not certificates:
            return None
        return certificates[0] if binary_form else {}

    def version(self) -> str | None:
        """``TLSv1.3`` or ``TLSv1.2``."""
        return self._connection.get_protocol_version_name()

    def cipher(self) -> tuple[str, str, int] | None:
        """Name, protocol and bits of the suite, once there is one."""
        name = self._connection.get_cipher_name()
        if name is None:
            return None
        version = self._connection.get_cipher_version() or ""
        return name, version, self._connection.get_cipher_bits() or 0

    def compression(self) -> None:
        """TLS compression does not exist here."""

    def selected_alpn_protocol(self) -> None:
        """No protocol is negotiated: it is HTTP/1.1."""

    def _read(self, length: int, buffer: Any) -> Any:  # noqa: ANN401 - as ssl has it
        # OpenSSL gives one record at a time; a larger buffer would be allocated in vain.
        if buffer is None:
            wanted = min(length, _PLAIN)
            return self._exchange(lambda: self._connection.recv(wanted)) if wanted else b""
        with memoryview(buffer) as view:
            wanted = min(length or view.nbytes, view.nbytes, _PLAIN)
            return self._exchange(lambda: self._connection.recv_into(view, wanted)) if wanted else 0

    def _shut_down(self) -> None:
        if not self._connection.shutdown():  # ours is written
            self._connection.shutdown()

    def _exchange(self, operation: Callable[[], _Result]) -> _Result:
        try:
            while True:
                try:
                    return operation()
                except SSL.WantReadError:
                    self._feed()
        except SSL.Error as error:
            _raise_as_ssl(error)
        finally:
            self._send()

    def _feed(self) -> None:
        record = self._records.read()
        if record:
            self._connection.bio_write(record)
        elif self._incoming.eof:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "the peer ended without close_notify")
        else:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the record is not complete")

    def _send(self) -> None:
        try:
            while True:
                self._outgoing.write(self._connection.bio_read(_SEALED))
        except SSL.WantReadError:
            return


def _raise_as_ssl(error: SSL.Error) -> Never:
    if isinstance(error, SSL.ZeroReturnError):
        raise ssl.SSLZeroReturnError(
            ssl.SSL_ERROR_ZERO_RETURN, "the connection is closed"
        ) from error
    # Never ``SSLSyscallError``, which the loops take for a wish to wait.
    raise ssl.SSLError(ssl.SSL_ERROR_SSL, f"TLS failed: {_reason(error)}") from error


def _reason(error: SSL.Error) -> str:
    # pyOpenSSL gives a list of (library, function, reason).
    queue = error.args[0] if error.args else ()
    return ", ".join(entry[2] for entry in queue) or "no reason given"


def _der(certificate: crypto.X509) -> bytes:
    # Not by way of cryptography, which would refuse odd ones here: the application does that.
    return crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
