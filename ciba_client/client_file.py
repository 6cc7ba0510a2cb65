"""Who the command line speaks for: flags, ``client.toml``, and the key file."""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ciba_client.sdk.authentication_method import ClientAuthenticationMethod
from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.dpop.key import parse_dpop_key
from ciba_client.sdk.errors import ConfigurationError
from ciba_client.sdk.foreign_text import readable
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import parse_signing_key

__all__ = [
    "ClientFile",
    "UnusableInput",
    "load_client",
    "read_client_file",
    "read_input",
    "read_key",
]

_LARGEST_FILE: Final = 1024 * 1024
_FILES: Final = ("key", "dpop_key", "certificate", "certificate_key", "ca_file")


class UnusableInput(Exception):
    """A flag, file or setting that cannot be used; the message is for the terminal."""


class ClientFile(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """The keys of ``client.toml``; a flag of the same name wins.

    ``issuer``, ``client_id``: as registered. ``key``: file with the private JWK or PEM key; files
    are looked for beside ``client.toml``. ``alg``, ``kid``: of the client's
    signatures. ``sign_requests``: false for a client registered with unsigned requests.
    ``id_token_signed_response_alg``, ``assertion_audience``: only where the registration differs
    from what the provider publishes. ``backchannel_user_code_parameter``: as registered.
    ``dpop_bound_access_tokens``: as registered; ``dpop_key``:
    file with the private key that tokens are bound to, without which each run makes its own.
    ``token_endpoint_auth_method``: as registered; ``certificate``, ``certificate_key``: files (PEM)
    for mutual TLS. ``backchannel_token_delivery_mode`` and
    ``backchannel_client_notification_endpoint``: as registered. ``polling_wait``: seconds for which
    polls ask to be held.
    """

    issuer: str | None = None
    client_id: str | None = None
    key: str | None = None
    alg: str | None = None
    kid: str | None = None
    ca_file: str | None = None
    sign_requests: bool = True
    id_token_signed_response_alg: SignatureAlgorithm | None = None
    assertion_audience: str | None = None
    backchannel_user_code_parameter: bool = False
    dpop_bound_access_tokens: bool = False
    dpop_key: str | None = None
    token_endpoint_auth_method: ClientAuthenticationMethod = (
        ClientAuthenticationMethod.PRIVATE_KEY_JWT
    )
    certificate: str | None = None
    certificate_key: str | None = None
    backchannel_token_delivery_mode: TokenDeliveryMode | None = None
    backchannel_client_notification_endpoint: str | None = None
    polling_wait: int = 0


@dataclass(frozen=True, slots=True)
class _Required:
    issuer: str
    client_id: str
    key: str


def read_client_file(path: Path) -> ClientFile:
    """Read ``client.toml``; paths in it become relative to its folder."""
    try:
        settings = msgspec.convert(
            tomllib.loads(read_input(path).decode()), type=ClientFile, strict=True
        )
    except (ValueError, RecursionError) as error:  # of UTF-8, TOML, or a key or value, named
        raise UnusableInput(f"{path}: {readable(str(error))}") from error
    folder = path.parent
    return msgspec.structs.replace(
        settings,
        **{
            name: str(folder / getattr(settings, name))
            for name in _FILES
            if getattr(settings, name)
        },
    )


def load_client(settings: ClientFile, *, warn: Callable[[str], None]) -> ClientConfiguration:
    """Read the key and put the configuration together; ``warn`` hears of a key open to others."""
    required = _required(settings)
    content = read_key(Path(required.key), warn)
    dpop_key = settings.dpop_key and read_key(Path(settings.dpop_key), warn)
    try:
        return ClientConfiguration(
            issuer=required.issuer,
            client_id=required.client_id,
            key=parse_signing_key(content, algorithm=settings.alg, kid=settings.kid),
            sign_requests=settings.sign_requests,
            assertion_audience=settings.assertion_audience,
            id_token_signed_response_alg=settings.id_token_signed_response_alg,
            token_endpoint_auth_method=settings.token_endpoint_auth_method,
            backchannel_token_delivery_mode=settings.backchannel_token_delivery_mode,
            backchannel_user_code_parameter=settings.backchannel_user_code_parameter,
            dpop_bound_access_tokens=settings.dpop_bound_access_tokens,
            dpop_key=parse_dpop_key(dpop_key) if dpop_key else None,
            certificate_file=_path(settings.certificate),
            certificate_key_file=_path(settings.certificate_key),
            ca_file=_path(settings.ca_file),
            polling_wait=settings.polling_wait,
        )
    except ConfigurationError as error:
        raise UnusableInput(str(error)) from error


def read_input(path: Path) -> bytes:
    """Read a file of bounded size."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UnusableInput(f"{path}: {error.strerror}") from error
    if len(content) > _LARGEST_FILE:
        raise UnusableInput(f"{path}: the file is too large")
    return content


def read_key(path: Path, warn: Callable[[str], None]) -> bytes:
    """What a file holds that nobody else should read; ``warn`` hears of it where others may.

    Raises:
        UnusableInput: when it cannot be read.
    """
    content = read_input(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        warn(f"{path} can be read by others; its mode should be 0600")
    return content


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _required(settings: ClientFile) -> _Required:
    match settings:
        case ClientFile(issuer=str(issuer), client_id=str(client_id), key=str(key)):
            return _Required(issuer, client_id, key)
        case _:
            missing = [
                f"--{name.replace('_', '-')}"
                for name in ("issuer", "client_id", "key")
                if getattr(settings, name) is None
            ]
            raise UnusableInput(f"missing: {', '.join(missing)} (or the same in --config FILE)")
