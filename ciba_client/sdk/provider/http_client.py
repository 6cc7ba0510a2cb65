"""The HTTP client: whom it trusts, and by which certificate it is known (RFC 8705)."""

import ssl
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx2

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.provider.addresses import is_loopback

__all__ = ["new_http_client"]

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "ciba-client",
}
# Many servers close what was idle for five seconds, which is how often polls are: a request that
# goes out in that moment is lost.
_LIMITS: Final = httpx2.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=3.0
)
# Without a password OpenSSL would ask for that of an encrypted key at the terminal.
_NO_PASSWORD: Final = ""


def new_http_client(
    configuration: ClientConfiguration, transport: httpx2.AsyncBaseTransport | None
) -> httpx2.AsyncClient:
    """Make the client; raises ``ConfigurationError`` for a file that cannot be used."""
    # What the environment says of proxies and trust is honoured, except on this computer.
    trust_env = not is_loopback(configuration.issuer)
    return httpx2.AsyncClient(
        headers=_HEADERS,
        cookies=_no_cookies(),
        verify=_tls_context(configuration, trust_env=trust_env),
        limits=_LIMITS,
        transport=transport,
        trust_env=trust_env,
    )


def _no_cookies() -> CookieJar:
    """A jar that takes none: what a provider sets would be kept, and sent, without bound."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _tls_context(configuration: ClientConfiguration, *, trust_env: bool) -> ssl.SSLContext | bool:
    if configuration.ca_file is None and configuration.certificate_file is None:
        return True
    context = _trusting(configuration, trust_env=trust_env)
    if configuration.certificate_file is not None:
        try:
            context.load_cert_chain(
                configuration.certificate_file, configuration.certificate_key_file, _NO_PASSWORD
            )
        except OSError as error:  # ssl.SSLError is one
            raise ConfigurationError("the client certificate or its key is unusable") from error
    return context


def _trusting(configuration: ClientConfiguration, *, trust_env: bool) -> ssl.SSLContext:
    if configuration.ca_file is None:
        return httpx2.create_ssl_context(trust_env=trust_env)
    try:
        return ssl.create_default_context(cafile=configuration.ca_file)
    except OSError as error:
        raise ConfigurationError("the file of certificate authorities is unusable") from error
