"""The flags of the command line."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ciba_client.conformance.command import add_conformance_flags
from ciba_client.hostile import EndpointAnswer
from ciba_client.listener import ListeningAddress, parse_listening_address
from ciba_client.playground.command import add_playground_flags
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.version_flag import VersionFlag

__all__ = ["argument_parser", "ids_last"]

_DEFAULT_ADDRESS: Final = ListeningAddress("127.0.0.1", 9090)
_LONG_POLL: Final = 25
_ID_OPTION: Final = "--auth-req-id"
_HYPHENATED_ID: Final = re.compile(r"-(?!-[a-z-]+\Z)[\w.~-]{21,}", re.ASCII)
"""An ``auth_req_id``, which is long; options are words."""
_EPILOG: Final = """\
exit status:
  0    done: tokens received and verified, started (start without --wait), cancelled,
       receipt verified, or conformance passed
  1    no tokens: refused, denied, expired, unavailable, or not verifiable; not cancelled;
       no receipt; conformance failed
  2    wrong usage or configuration
  130  interrupted; start --wait cancels its request then

client.toml (for --config), every key optional, flags win:
  issuer = "https://op.example"      client_id = "corner-shop"
  key = "client.jwk"                 alg = "ES256"               kid = "2026-11"
  ca_file = "ca.pem"                 sign_requests = true
  id_token_signed_response_alg = "PS256"
  assertion_audience = "https://op.example/token"
  dpop_bound_access_tokens = true    dpop_key = "dpop.jwk"
  token_endpoint_auth_method = "tls_client_auth"
  certificate = "client.pem"         certificate_key = "client.key"
  backchannel_token_delivery_mode = "poll", "ping" or "push"
  backchannel_client_notification_endpoint = "https://shop.example/ciba"
  polling_wait = 25
"""


def ids_last(arguments: Sequence[str] | None) -> list[str]:
    """One ``auth_req_id`` in 64 begins with a hyphen, which argparse takes for an option.

    It is let alone after ``--``, or joined to its option.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if "--" in given:
        return given
    words, ids = list[str](), list[str]()
    for each in given:
        if not _HYPHENATED_ID.fullmatch(each):
            words.append(each)
        elif words and words[-1] == _ID_OPTION:
            words[-1] = f"{_ID_OPTION}={each}"
        else:
            ids.append(each)
    return [*words, "--", *ids] if ids else words


def argument_parser() -> argparse.ArgumentParser:
    """The parser of ``ciba-client``; its ``command`` is the name of one of its commands."""
    parser = argparse.ArgumentParser(
        prog="ciba-client",
        description="Start CIBA authentications and wait for their tokens.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=VersionFlag, nargs=0, help="show the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    start = commands.add_parser(
        "start", help="ask the provider to authenticate a user", allow_abbrev=False
    )
    poll = commands.add_parser(
        "poll", help="wait for an authentication started earlier", allow_abbrev=False
    )
    cancel = commands.add_parser(
        "cancel", help="take back an authentication started earlier", allow_abbrev=False
    )
    receipt = commands.add_parser(
        "receipt", help="get and verify the receipt of an approval", allow_abbrev=False
    )
    for command in (start, poll, cancel, receipt):
        _add_client_flags(command)
    for command in (start, poll):
        _add_result_flags(command)
    _add_request_flags(start)
    _add_poll_flags(poll)
    _add_started_flags(cancel)
    _add_started_flags(receipt)
    _add_listen_flags(
        commands.add_parser(
            "listen", help="show the notifications that a provider sends", allow_abbrev=False
        )
    )
    _add_keygen_flags(
        commands.add_parser("keygen", help="make a key pair for a client", allow_abbrev=False)
    )
    add_conformance_flags(
        commands.add_parser(
            "conformance", help="test whether a CIBA provider conforms", allow_abbrev=False
        )
    )
    add_playground_flags(
        commands.add_parser(
            "playground", help="try flows on a page, and look at every message", allow_abbrev=False
        ),
        _listening_address,
    )
    return parser


def _add_client_flags(parser: argparse.ArgumentParser) -> None:
    client = parser.add_argument_group("the client")
    client.add_argument("--config", type=Path, metavar="FILE", help="client.toml with the below")
    client.add_argument("--issuer", metavar="URL", help="issuer identifier of the provider")
    client.add_argument("--client-id", metavar="ID", help="as registered")
    client.add_argument("--key", metavar="FILE", help="private key, JWK or PEM")
    client.add_argument("--alg", choices=list(SignatureAlgorithm), help="default: suits the key")
    client.add_argument("--kid", help="key id; default: that of the JWK, if any")
    client.add_argument("--ca-file", metavar="FILE", help="certificate authorities to trust, PEM")


def _add_result_flags(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("what to accept and print")
    output.add_argument(
        "--required-acr",
        action="append",
        default=[],
        metavar="ACR",
        help="refuse an ID token with another acr; may be repeated",
    )
    output.add_argument("--json", action="store_true", help="one line of JSON as the result")
    output.add_argument(
        "--long-poll",
        dest="polling_wait",
        nargs="?",
        type=_seconds,
        const=_LONG_POLL,
        metavar="SECONDS",
        help=f"ask that polls be held until the user decides; without a number: {_LONG_POLL}",
    )
    _add_show_tokens(output)


def _add_request_flags(parser: argparse.ArgumentParser) -> None:
    request = parser.add_argument_group("the request")
    hint = request.add_mutually_exclusive_group(required=True)
    hint.add_argument("--login-hint", metavar="HINT", help="whom to ask")
    hint.add_argument("--login-hint-token", metavar="JWT")
    hint.add_argument("--id-token-hint", metavar="JWT")
    request.add_argument("--scope", default="openid", help="default: openid")
    request.add_argument("--binding-message", metavar="TEXT", help="shown on both devices")
    request.add_argument("--requested-expiry", type=_seconds, metavar="SECONDS")
    request.add_argument("--acr-values", metavar="ACRS", help="wanted levels, best first")
    request.add_argument(
        "--authorization-details", metavar="JSON", help="a JSON array, or @FILE with one"
    )
    request.add_argument(
        "--request-context", metavar="JSON", help="about the device: a JSON object, or @FILE"
    )
    request.add_argument(
        "--user-code", action="store_true", help="ask for the user's code, at the terminal"
    )
    request.add_argument("--unsigned", action="store_true", help="send no signed request object")
    request.add_argument(
        "--wait", action="store_true", help="wait for the tokens and print the ID token's claims"
    )
    request.add_argument(
        "--listen",
        type=_listening_address,
        metavar="HOST:PORT",
        help="where notifications arrive, with --wait; default: from the registered endpoint",
    )


def _add_poll_flags(parser: argparse.ArgumentParser) -> None:
    started = parser.add_argument_group("what was started")
    started.add_argument(
        "--auth-req-id",
        required=True,
        metavar="ID",
        help="or - to read it, or all that start printed, from standard input",
    )
    started.add_argument(
        "--expires-in", type=_seconds, metavar="SECONDS", help="time left; default: 180"
    )
    started.add_argument("--interval", type=_seconds, metavar="SECONDS", help="default: 5")


def _add_started_flags(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(show_tokens=False)
    parser.add_argument(
        "auth_req_id",
        metavar="AUTH_REQ_ID",
        help="or - to read it, or all that start printed, from standard input",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON as the result")


def _add_show_tokens(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--show-tokens", action="store_true", help="print the tokens, too")


def _add_listen_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        type=_listening_address,
        default=_DEFAULT_ADDRESS,
        metavar="HOST:PORT",
        help="an address of this computer; port 0: a free one; default: 127.0.0.1:9090",
    )
    parser.add_argument(
        "--answer",
        type=EndpointAnswer,
        choices=list(EndpointAnswer),
        action="append",
        default=[],
        help="behave like this; repeated: in turn, the last for good",
    )
    parser.add_argument(
        "--count", type=_positive, metavar="N", help="end after so many; default: on interruption"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for each")
    _add_show_tokens(parser)


def _add_keygen_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, metavar="FILE", help="for the private JWK, made 0600")
    parser.add_argument(
        "--alg",
        type=SignatureAlgorithm,
        choices=list(SignatureAlgorithm),
        default=SignatureAlgorithm.ES256,
        help="default: ES256",
    )
    parser.add_argument("--kid", help="key id; default: made from the file's name")
    parser.add_argument(
        "--toml", action="store_true", help="print the line for ciba.toml instead of JSON"
    )


def _seconds(text: str) -> int:
    return _positive(text, of="seconds")


def _positive(text: str, *, of: str = "notifications") -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a positive number of {of}")
    return int(text)


def _listening_address(text: str) -> ListeningAddress:
    try:
        return parse_listening_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be HOST:PORT of this computer alone") from error
