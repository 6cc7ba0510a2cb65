"""TLS of the mTLS listener: it asks for a certificate and takes almost any, or none.

Python's ``ssl`` can only refuse what it cannot verify, and then the client would see a broken
connection instead of the JSON error that OAuth demands. So pyOpenSSL does the work. What is proved
here is possession of the key (RFC 8705 7.2); whose certificate it is, the application decides.

Anybody can show anything, and while the handshake lasts nobody else is served. So nothing is done
with the certificates of issuers, and a key whose signatures take a multiple of the usual time to
verify is refused.
"""

import ssl
from typing import Any, Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from OpenSSL import SSL, crypto

from ciba_service.listening.tls.connection import ClientCertificateConnection
from ciba_service.listening.tls.identity import InvalidTlsError
from ciba_service.listening.tls.offer import TLS_1_2_SUITES, TlsOffer
from ciba_service.protocol.jose.keys import MAXIMUM_RSA_BITS, MAXIMUM_RSA_EXPONENT_BITS

__all__ = ["ClientCertificateContext"]

_OPTIONS: Final = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_TICKET
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    | SSL.OP_NO_RENEGOTIATION
)

_NO_ISSUERS: Final = -2
"""OpenSSL looks for issuers up to a depth: with 0 for one, and -1 is its word for not saying.

It would verify signatures for nothing, and hold each name against each name constraint, a million
times for each issuer.
"""

_CHEAP_BITS: Final = 1_024
"""Keys on curves have fewer, and with so few no other takes long."""


class ClientCertificateContext(ssl.SSLContext):
    """A context for ``create_server`` (uvloop refuses what is no ``ssl.SSLContext``)."""

    _server: SSL.Context

    @classmethod
    def create(cls, offer: TlsOffer) -> Self:
        """Make the context; raises ``InvalidTlsError``."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        try:
            context._server = _server_context(offer)
        except SSL.Error as error:
            raise InvalidTlsError(
                f"TLS cannot be offered with {offer.identity.certificate_file}"
            ) from error
        return context

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, **options: Any) -> Any:  # type: ignore[override] # noqa: ANN401, ARG002 - as ssl has it
        """Begin a connection, always as the server."""
        return ClientCertificateConnection(self, SSL.Connection(self._server), incoming, outgoing)


def _server_context(offer: TlsOffer) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION if offer.tls_1_2 else SSL.TLS1_3_VERSION)
    context.set_cipher_list(TLS_1_2_SUITES.encode())
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_verify(SSL.VERIFY_PEER, _take_unless_costly)
    context.set_verify_depth(_NO_ISSUERS)
    own, *others = offer.identity.chain
    context.use_certificate(own)
    for certificate in others:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(offer.identity.key)
    return context


def _take_unless_costly(
    connection: SSL.Connection,  # noqa: ARG001 - as pyOpenSSL calls it
    certificate: crypto.X509,
    error: int,  # noqa: ARG001
    depth: int,  # noqa: ARG001
    verified: int,  # noqa: ARG001
) -> bool:
    """OpenSSL asks before it verifies with the key that the client holds this certificate's key."""
    try:
        return not _is_costly(certificate.get_pubkey())
    except (crypto.Error, UnsupportedAlgorithm, ValueError):  # nobody knows what it would cost
        return False


def _is_costly(key: crypto.PKey) -> bool:
    if key.bits() <= _CHEAP_BITS:
        return False
    public = key.to_cryptography_key()
    return (
        not isinstance(public, RSAPublicKey)
        or public.key_size > MAXIMUM_RSA_BITS
        or public.public_numbers().e.bit_length() > MAXIMUM_RSA_EXPONENT_BITS
    )
