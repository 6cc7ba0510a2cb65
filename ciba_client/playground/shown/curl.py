"""An exchange as a command line of curl: what was sent, to the letter."""

import re
import shlex
from pathlib import Path
from typing import Final

from ciba_client.sdk.configuration import ClientConfiguration
from ciba_client.sdk.provider.exchange import Exchange

__all__ = ["curl_of"]

# What curl itself works out, and would send twice.
_BY_CURL = frozenset({"host", "content-length", "connection", "accept-encoding"})
# A terminal into which the command is pasted would obey them: they could end the paste.
_CONTROL: Final = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")


def curl_of(exchange: Exchange, configuration: ClientConfiguration | None) -> str:
    """The command; ``configuration`` is this client's, None for what was sent to it."""
    words = ["curl", "--include"]
    lines = []
    if exchange.method not in {"GET", "POST"}:
        words += ["--request", exchange.method]
    if configuration is not None:
        lines += _files(configuration)
    lines += [
        f"--header {_word(f'{name}: {value}')}"
        for name, value in exchange.request_headers
        if name.lower() not in _BY_CURL
    ]
    if exchange.method == "POST":
        body = exchange.request_body.decode("utf-8", "replace")
        lines.append(f"--data-raw {_word(body)}")
    return " \\\n  ".join([" ".join([*words, _word(exchange.url)]), *lines])


def _word(text: str) -> str:
    """One word of a shell; with control characters in it one of bash, zsh and ksh, spelt out."""
    if _CONTROL.search(text) is None:
        return shlex.quote(text)
    plain = text.replace("\\", "\\x5c").replace("'", "\\x27")
    return f"$'{_CONTROL.sub(_spelt_out, plain)}'"


def _spelt_out(found: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in found[0].encode())


def _files(configuration: ClientConfiguration) -> list[str]:
    given: list[tuple[str, Path | None]] = [
        ("--cacert", configuration.ca_file),
        ("--cert", configuration.certificate_file),
        ("--key", configuration.certificate_key_file),
    ]
    return [f"{name} {_word(str(path))}" for name, path in given if path is not None]
