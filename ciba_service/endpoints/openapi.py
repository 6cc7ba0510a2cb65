"""The OpenAPI document with the addresses of this service (docs/openapi.yaml)."""

from importlib import resources
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ciba_service.protocol.metadata import Endpoints

__all__ = ["OpenApiDocument", "Server", "openapi_document"]

_OAUTH_METADATA: Final = "/.well-known/oauth-authorization-server"
_SSF_METADATA: Final = "/.well-known/ssf-configuration"


class Server(msgspec.Struct, frozen=True):
    """What the paths of a document, or one path, are appended to."""

    url: str


class OpenApiDocument(msgspec.Struct, frozen=True):
    """The document; what depends on no address stays as it was written."""

    openapi: str
    info: msgspec.Raw
    servers: tuple[Server, ...]
    tags: msgspec.Raw
    paths: dict[str, dict[str, msgspec.Raw]]
    components: msgspec.Raw


def openapi_document(endpoints: Endpoints) -> OpenApiDocument:
    """Put the issuer where the document says so, and its host for paths with servers of their own.

    Where the issuer has a path, those of the metadata of the authorization server and of the
    transmitter end with it (RFC 8414 3, SSF 7.1).
    """
    source = resources.files("ciba_service.endpoints") / "openapi.json"
    document = msgspec.json.decode(source.read_bytes(), type=OpenApiDocument)
    issuer = urlsplit(endpoints.issuer)
    host = {"servers": _servers(f"{issuer.scheme}://{issuer.netloc}")}
    paths = {
        path: {**item, **host} if "servers" in item else item
        for path, item in document.paths.items()
    }
    paths[endpoints.oauth_metadata_path] = paths.pop(_OAUTH_METADATA)
    paths[endpoints.ssf_metadata_path] = paths.pop(_SSF_METADATA)
    return msgspec.structs.replace(document, servers=(Server(endpoints.issuer),), paths=paths)


def _servers(url: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode((Server(url),)))
