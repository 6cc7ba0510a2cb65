"""An exchange as a command line of curl: what was sent, to the letter."""

import shlex
from pathlib import Path

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["curl_of"]

# What curl itself works out, and would send twice.
_BY_CURL = frozenset({"host", "content-length", "connection", "accept-encoding"})


def curl_of(exchange: Exchange, configuration: ClientConfiguration | None) -> str:
    """The command; ``configuration`` is this client's, None for what was sent to it."""
    words = ["curl", "--include"]
    lines = []
    if exchange.method not in {"GET", "POST"}:
        words += ["--request", exchange.method]
    if configuration is not None:
        lines += _files(configuration)
    lines += [
        f"--header {shlex.quote(f'{name}: {value}')}"
        for name, value in exchange.request_headers
        if name.lower() not in _BY_CURL
    ]
    if exchange.method == "POST":
        body = exchange.request_body.decode("utf-8", "replace")
        lines.append(f"--data-raw {shlex.quote(body)}")
    return " \\\n  ".join([" ".join([*words, shlex.quote(exchange.url)]), *lines])


def _files(configuration: ClientConfiguration) -> list[str]:
    given: list[tuple[str, Path | None]] = [
        ("--cacert", configuration.ca_file),
        ("--cert", configuration.certificate_file),
        ("--key", configuration.certificate_key_file),
    ]
    return [f"{name} {shlex.quote(str(path))}" for name, path in given if path is not None]
