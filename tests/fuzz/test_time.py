"""Long texts: none takes a reader longer than a look at each of its characters a few times."""

from collections.abc import Callable
from contextlib import suppress
from time import process_time
from typing import Any, Final

import pytest

from ciba_service.endpoints.operator.session_cookie import CookieForm
from ciba_service.listening.glance import is_one_plain_post
from ciba_service.ports import UnknownRecordFormat
from ciba_service.protocol.admission.addresses import counted_address, forwarded_address
from ciba_service.protocol.client.certificates.headers import parse_client_cert, parse_escaped_pem
from ciba_service.protocol.client.certificates.names import DistinguishedName
from ciba_service.protocol.client.key_document import lifetime_of
from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.jose.claims import Claims
from ciba_service.protocol.jose.encoding import parse_base64url, parse_json
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.protocol.operators.problems import OperatorRefused
from ciba_service.protocol.outbound.url import parse_outbound_url
from ciba_service.protocol.request.binding_message import parse_binding_message
from ciba_service.protocol.request.claims_parameter import parse_claims
from ciba_service.protocol.request.form import parse_form
from ciba_service.protocol.request.hints import parse_login_hint
from ciba_service.protocol.request.parameters import Parameters, parse_acr_values, parse_scope
from ciba_service.protocol.request.preference import preferred_wait
from ciba_service.protocol.request.user_code import parse_user_code
from ciba_service.protocol.tokens.dpop.authorization import parse_authorization
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.sca.messages import decode_device_message
from ciba_service.stores.asking.ledger_lines import parse_line

# As long as a whole head may be, and far longer than most texts.
LENGTH: Final = 32_768
SECONDS: Final = 0.5
PIECES: Final = (
    *("a", "9", " ", "\t", "=", ",", ";", ".", "/", ":", "%", "%41", "+", "&", "-", "\\", '"', "'"),
    *("[", "{", "]", "a=", "a=b&", "a,", "../", "a.", "\\2c", "CN=", ":A", "é", "\u202e", "\0"),
    *('{"a":', '"\\', "\\u0041", "1e", "wait=", "wait ", "max-age", "a@", "://", "e30.", "A\n"),
)
BEGINNINGS: Final = ("", "https://", "Bearer ", "wait", "CN=", "a@", '{"a":"', "max-age", "+", ":")

Reader = Callable[[str], Any]
READERS: Final[dict[str, Reader]] = {
    "acr_values": lambda text: parse_acr_values(Parameters({"acr_values": text})),
    "authorization": lambda text: parse_authorization([text]),
    "base64url": parse_base64url,
    "binding message": parse_binding_message,
    "cache control": lifetime_of,
    "certificate header": lambda text: parse_client_cert([text.encode()], [text.encode()]),
    "claims": lambda text: Claims.parse(text.encode()),
    "claims parameter": parse_claims,
    "cookie": lambda text: CookieForm(is_secure=True).read([text]),
    "counted address": counted_address,
    "distinguished name": DistinguishedName.parse,
    "escaped PEM": lambda text: parse_escaped_pem([text.encode()]),
    "form": lambda text: parse_form(text.encode()),
    "forwarded address": lambda text: forwarded_address([text.encode()]),
    "frame": decode_device_message,
    "glance": lambda text: is_one_plain_post(b"POST /" + text.encode()),
    "http uri": parse_http_uri,
    "json": lambda text: parse_json(text.encode()),
    "jws": parse_jws,
    "ledger line": parse_line,
    "login hint": parse_login_hint,
    "outbound url": parse_outbound_url,
    "preference": lambda text: preferred_wait([text]),
    "scope": lambda text: parse_scope(Parameters({"scope": text}), frozenset()),
    "user code": parse_user_code,
}


@pytest.mark.parametrize("name", READERS)
def test_no_text_takes_a_reader_long(name: str) -> None:
    """Of thirty thousand characters, whichever is repeated behind whichever beginning."""
    read = READERS[name]
    slow = []
    for beginning in BEGINNINGS:
        for piece in PIECES:
            text = beginning + piece * (LENGTH // len(piece)) + "!"
            before = process_time()
            with suppress(ValueError, OAuth2Error, OperatorRefused, UnknownRecordFormat):
                read(text)
            if process_time() - before > SECONDS:
                slow.append((beginning, piece))
    assert not slow
