"""Messages as text: raw HTTP, curl, and a program."""

import ast
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey

from ciba_client import (
    ClientAuthenticationMethod,
    ClientConfiguration,
    SignatureAlgorithm,
    SigningKey,
    TokenDeliveryMode,
)
from ciba_client.client_file import ClientFile, UnusableInput
from ciba_client.listener import ListeningAddress
from ciba_client.playground.clients import load_clients
from ciba_client.playground.explained.tokens import Keys
from ciba_client.playground.order import HintKind, Order, Payment, Unusable, parse_order
from ciba_client.playground.record import Message, Notified, Told
from ciba_client.playground.shown.curl import curl_of
from ciba_client.playground.shown.detail import detail_of
from ciba_client.playground.shown.program import program_of
from ciba_client.playground.shown.raw import raw_request, raw_response
from tests.unit.ciba_client.playground.exchanges import asked, entry
from tests.unit.protocol.client.certificates.authority import self_signed

KEY = SigningKey(ECKey.generate_key("P-256", private=True), SignatureAlgorithm.ES256)
CONFIGURATION = ClientConfiguration(issuer="https://op.example", client_id="till", key=KEY)
AUTHORITY = self_signed("nobody").public_bytes(Encoding.PEM)
KEYS = Keys(own=KEY.key, provider=())


def test_http_is_shown_spread_out_and_to_the_letter():
    """A form line by line, JSON indented, anything else as it is."""
    exchange = asked("/token?x=1", {"a": "1 2", "b": "ü"}, answer={"error": "ü"})
    request, response = raw_request(exchange), raw_response(exchange)
    assert request.line == "POST /token?x=1 HTTP/1.1"
    assert (request.body, request.pretty) == ("a=1+2&b=%C3%BC", "a = 1 2\nb = ü")
    assert response.line == "HTTP/1.1 200 OK"
    assert response.pretty == '{\n  "error": "ü"\n}'
    assert raw_request(asked("/jwks")).pretty == ""
    odd = replace(exchange, status=599, response_body=b"<html>", response_headers=())
    assert (raw_response(odd).line, raw_response(odd).pretty) == ("HTTP/1.1 599", "<html>")
    assert raw_response(asked("/jwks", status=None)).line == "the provider cannot be reached"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": ' + b"[" * 900 + b"1," * 16_000 + b"1" + b"]" * 900 + b"}",
        b"[" * 30_000,
        b'{"a": ' + b"9" * 5_000 + b"}",
    ],
    ids=["many in deep lists", "deep lists alone", "digits"],
)
def test_json_that_grows_when_it_is_spread_out_is_shown_as_it_came(body: bytes):
    """Deep lists: a small answer would fill the memory with spaces."""
    shown = raw_response(replace(asked("/token", {}), response_body=body))
    assert len(shown.pretty) <= 2 * len(body) + 100


def test_a_command_of_curl_is_safe_to_paste():
    """What a provider has sent cannot end the paste, nor say anything else to a terminal."""
    said = "\x1b[201~\nid\n'; id \\ \x9b0m\x7f"
    sent = replace(asked("/ping", {}), request_body=said.encode(), request_headers=())
    command = curl_of(sent, None)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", command)
    printed = subprocess.run(  # noqa: S603
        ["/bin/bash", "-c", command.replace("curl --include", "printf '%s|'")],
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode().split("|") == [sent.url, "--data-raw", said, ""]


def test_curl_sends_the_same():
    """Every header that curl does not make itself, and the files of mutual TLS."""
    exchange = asked("/token", {"a": "it's"}, headers=(("Host", "op.example"), ("DPoP", "x y")))
    configuration = replace(
        CONFIGURATION,
        certificate_file=Path("client.pem"),
        certificate_key_file=Path("client.key"),
        ca_file=Path("my ca.pem"),
    )
    words = shlex.split(curl_of(exchange, configuration).replace("\\\n", ""))
    assert words == [
        "curl", "--include", "https://op.example/token", "--cacert", "my ca.pem",
        "--cert", "client.pem", "--key", "client.key", "--header", "DPoP: x y",
        "--header", "content-type: application/x-www-form-urlencoded", "--data-raw", "a=it%27s",
    ]  # fmt: skip
    assert "--data-raw" not in curl_of(asked("/jwks"), CONFIGURATION)
    assert "--request DELETE" in curl_of(replace(exchange, method="DELETE"), None)


EVERYTHING = ClientFile(
    issuer="https://op.example",
    client_id="till",
    key="/keys/till.jwk",
    alg="ES256",
    kid="2026",
    ca_file="/ca.pem",
    sign_requests=False,
    id_token_signed_response_alg=SignatureAlgorithm.EDDSA,
    assertion_audience="https://op.example/token",
    dpop_bound_access_tokens=True,
    dpop_key="/keys/dpop.jwk",
    token_endpoint_auth_method=ClientAuthenticationMethod.TLS_CLIENT_AUTH,
    certificate="/c.pem",
    certificate_key="/c.key",
    backchannel_token_delivery_mode=TokenDeliveryMode.PUSH,
    backchannel_user_code_parameter=True,
    polling_wait=25,
)


@pytest.mark.parametrize("address", [None, ListeningAddress("127.0.0.1", 9090)])
def test_a_program_has_all_that_client_toml_says(address: ListeningAddress | None):
    """Each setting is an argument that the configuration knows, and each name is imported."""
    parameters = {"login_hint": "alice", "user_code": "a secret"}
    text = program_of(EVERYTHING, parameters, address=address)
    assert "a secret" not in text
    assert "from getpass import getpass" in text
    tree = ast.parse(text)
    calls = {
        node.func.id: node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    given = {keyword.arg for keyword in calls["ClientConfiguration"].keywords}
    bounds = {"timeout", "token_timeout"}
    assert given == set(ClientConfiguration.__dataclass_fields__) - bounds
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "ciba_client"
        for alias in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert imported <= used
    assert ("NotificationReceiver" in imported) == (address is not None)


def test_each_kind_of_message_is_taken_apart():
    """What was asked, what called, what was told; and an error with its meaning."""
    refused = asked("/token", {"grant_type": "x"}, status=400, answer={"error": "invalid_grant"})
    shown = detail_of(Message(1, refused), began_at=0, configuration=CONFIGURATION, keys=KEYS)
    assert shown.error is not None
    assert shown.error.explanation.section == "5.2"
    called = detail_of(
        Message(2, Notified(refused, None)), began_at=0, configuration=CONFIGURATION, keys=KEYS
    )
    assert called.title == "Notification"
    told = detail_of(
        Message(3, Told(entry(1, "new_thing"), 2.0)),
        began_at=0,
        configuration=CONFIGURATION,
        keys=KEYS,
    )
    assert (told.at, told.summary) == (2.0, "The service tells of something new.")


def test_an_order_says_what_is_asked_for():
    """A payment, details as they are, or a sign-in."""
    payment = Payment("1.00", "EUR", " Shop ", iban="DE89 3704", remittance=" Invoice ")
    order = Order("till", hint="alice", payment=payment, requested_expiry=30)
    assert order.parameters() == {
        "scope": "openid",
        "login_hint": "alice",
        "requested_expiry": 30,
        "authorization_details": [
            {
                "type": "payment_initiation",
                "instructedAmount": {"currency": "EUR", "amount": "1.00"},
                "creditorName": "Shop",
                "creditorAccount": {"iban": "DE893704"},
                "remittanceInformationUnstructured": "Invoice",
            }
        ],
    }
    assert order.title() == "1.00 EUR to  Shop "
    assert Payment("1", "EUR", "Shop").details().keys() == {
        "type", "instructedAmount", "creditorName",
    }  # fmt: skip
    token = Order("till", hint_kind=HintKind.LOGIN_HINT_TOKEN, hint="jwt", user_code="1")
    assert token.parameters()["login_hint_token"] == "jwt"
    assert (token.hint_text(), token.title()) == ("login_hint_token", "openid")
    raw = Order("till", hint="alice", authorization_details='[{"type": "x"}]')
    assert raw.parameters()["authorization_details"] == [{"type": "x"}]
    further = Order("till", hint="alice", extensions='{"resource": "https://api.example"}')
    assert further.parameters()["extensions"] == {"resource": "https://api.example"}
    with pytest.raises(Unusable):
        Order("till", hint="alice", extensions="[]").parameters()
    with pytest.raises(Unusable, match="whom to ask"):
        Order("till", hint=" ").parameters()
    with pytest.raises(Unusable):
        parse_order(b'{"client": "till", "requested_expiry": 0}')


def client_file(directory: Path, **lines: str) -> Path:
    """A ``client.toml`` with a key."""
    key = directory / "till.jwk"
    key.write_bytes(KEY.key.as_pem(private=True))
    key.chmod(0o600)
    (directory / "ca.pem").write_bytes(AUTHORITY)  # quicker to read than all of the system's
    members = {"issuer": "https://op.example", "client_id": "till", "key": "till.jwk", **lines}
    members = {"ca_file": "ca.pem", **members}
    path = directory / f"{len(list(directory.iterdir()))}.toml"
    path.write_text("".join(f'{name} = "{value}"\n' for name, value in members.items()), "utf-8")
    return path


def test_clients_of_the_same_name_are_told_apart(tmp_path: Path):
    """By a number; and the page is told of no key."""
    called = {
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "http://localhost:9090/ciba",
    }
    paths = [client_file(tmp_path), client_file(tmp_path, **called)]
    clients = load_clients(paths, listen=None, warn=lambda _: None)
    assert list(clients) == ["till", "till (2)"]
    assert clients["till"].address is None
    assert clients["till (2)"].address == ListeningAddress("127.0.0.1", 9090)
    assert clients["till (2)"].card().mode == "ping"
    with pytest.raises(UnusableInput):
        load_clients([], listen=None, warn=lambda _: None)
    remote = client_file(tmp_path, backchannel_token_delivery_mode="push")
    with pytest.raises(UnusableInput, match="listen"):
        load_clients([remote], listen=None, warn=lambda _: None)
    there = ListeningAddress("127.0.0.1", 9)
    loaded = load_clients([remote], listen=there, warn=lambda _: None)
    assert loaded["till"].address == there


def test_a_client_with_a_certificate_is_shown_as_such(tmp_path: Path):
    """What its tokens are bound to is the certificate."""
    path = client_file(tmp_path, certificate="c.pem", certificate_key="c.key")
    (client,) = load_clients([path], listen=None, warn=lambda _: None).values()
    assert client.card().binding == "certificate"
    assert client.for_one_flow() is client.configuration
