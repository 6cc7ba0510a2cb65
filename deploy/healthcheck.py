"""The image's health check: does the service answer, whether it ends TLS itself or not?

It asks on the container's own loopback, so that nobody's certificate is looked at. The port is that
of the environment (``CIBA_SERVER__PORT``), or else the default.
"""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final

_SECONDS: Final = 2.0


def is_alive(port: int) -> bool:
    """Whether ``/healthz`` is answered 200, over plain http or TLS."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    plain = HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    return _answers(plain) or _answers(
        HTTPSConnection("127.0.0.1", port, timeout=_SECONDS, context=anybody)
    )


def _answers(connection: HTTPConnection) -> bool:
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - OK
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_alive(int(os.environ.get("CIBA_SERVER__PORT", "8080"))))
