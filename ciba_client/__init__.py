"""The client: start a CIBA flow, wait for the result, verify it.

``sdk`` is the library (``CibaClient`` and what it takes and returns); ``cli`` is the command
``ciba-client``, with ``flags`` and ``client_file`` (what it reads) and ``report`` (what it prints).
"""

from ciba_client.sdk.client import CibaClient
from ciba_client.sdk.configuration import ClientConfiguration

__all__ = ["CibaClient", "ClientConfiguration"]
