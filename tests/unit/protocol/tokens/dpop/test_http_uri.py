"""Addresses that mean the same are the same, and no others are (RFC 3986 6.2.2, 6.2.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.tokens.dpop.http_uri import InvalidUriError, parse_http_uri

UNRESERVED = "ABCXYZabcxyz0189-._~"
RESERVED = "!$&'()*+,;=:@"
SEGMENT = st.text(UNRESERVED + RESERVED, max_size=6) | st.sampled_from([".", "..", ""])
PATH = st.lists(SEGMENT, max_size=6).map(lambda segments: "".join(f"/{each}" for each in segments))
HOST = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z]{2,5})?", fullmatch=True)
PORT = st.integers(1, 65535)


def removed_as_the_rfc_says(path: str) -> str:
    """RFC 3986 5.2.4 to the letter."""
    rest, output = path, ""
    while rest:
        if rest.startswith(("/./", "/../")) or rest in ("/.", "/.."):
            is_parent = rest.startswith("/..")
            rest = "/" + rest[4 if is_parent else 3 :]
            output = output.rpartition("/")[0] if is_parent else output
        else:
            end = rest.find("/", 1)
            end = len(rest) if end < 0 else end
            output, rest = output + rest[:end], rest[end:]
    return output


def encoded(text: str, choose: st.DataObject) -> str:
    """Some unreserved characters percent-encoded, in either case of their digits."""
    written = []
    for character in text:
        code = f"%{ord(character):02x}"
        forms = [character]
        if character in UNRESERVED:
            forms += [code, code.upper()]
        written.append(choose.draw(st.sampled_from(forms)))
    return "".join(written)


@pytest.mark.clause("rfc9449-4.3-13")
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://op.example/token", "https://op.example/token"),
        ("HTTPS://OP.Example/token", "https://op.example/token"),
        ("https://op.example:443/token", "https://op.example/token"),
        ("https://op.example:/token", "https://op.example/token"),
        ("https://op.example:00443/token", "https://op.example/token"),
        ("http://op.example:80/token", "http://op.example/token"),
        ("http://op.example:443/token", "http://op.example:443/token"),
        ("https://op.example", "https://op.example/"),
        ("https://op.example?q", "https://op.example/"),
        ("https://op.example/token?q=/../x#f?", "https://op.example/token"),
        ("https://op.example/token#f", "https://op.example/token"),
        ("https://op.example/%74oken", "https://op.example/token"),
        ("https://%6Fp.example/token", "https://op.example/token"),
        ("https://op.example/%7Ea", "https://op.example/~a"),
        ("https://op.example/a%2fb", "https://op.example/a%2Fb"),
        ("https://op.example/%2574oken", "https://op.example/%2574oken"),
        ("https://op.example/a/b/c/./../../g", "https://op.example/a/g"),
        ("https://op.example/a/%2E%2e/token", "https://op.example/token"),
        ("https://op.example/../..", "https://op.example/"),
        ("https://op.example/a/..//b", "https://op.example//b"),
        ("https://op.example/a/.", "https://op.example/a/"),
        ("https://[::1]:8443/token", "https://[::1]:8443/token"),
        ("https://[0:0:0:0:0:0:0:1]/", "https://[::1]/"),
        ("https://[2001:DB8::A]/", "https://[2001:db8::a]/"),
        ("http://127.0.0.1:8000/token", "http://127.0.0.1:8000/token"),
    ],
)
def test_an_address_has_one_spelling(text: str, normal: str):
    """Case, port, encoding and dots are brought into one form; query and fragment go."""
    assert str(parse_http_uri(text)) == normal
    assert parse_http_uri(text) == parse_http_uri(normal)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/token",
        "//op.example/token",
        "op.example/token",
        "ftp://op.example/token",
        "httpss://op.example/token",
        "https:/op.example/token",
        "https:op.example",
        "https://",
        "https:///token",
        "https://:443/token",
        "https://op.example:0/token",
        "https://op.example:65536/token",
        "https://op.example:123456/token",
        "https://op.example:4a3/token",
        "https://op.example:443:443/token",
        "https://op.example:٤٤٣/token",
        "https://user@op.example/token",
        "https://user:secret@op.example/token",
        "https://op.example%2Ftoken",
        "https://op.example%00/token",
        "https://op example/token",
        "https://öp.example/token",
        "https://op.example/tok en",
        "https://op.example/tøken",
        "http\u017f://op.example/token",
        "https://op.example/to\u212aen",
        "https://op.example/token\n",
        " https://op.example/token",
        "https://op.example/token ",
        "https://op.example\\token",
        "https://op.example/<token>",
        "https://op.example/%",
        "https://op.example/%4",
        "https://op.example/%zz",
        "https://op.example/token?a b",
        "https://op.example/token#ü",
        "https://[::1",
        "https://[::1]x/token",
        "https://[1:2:3]/token",
        "https://[::g]/token",
        "https://[fe80::1%25eth0]/token",
        "https://[v1.a]/token",
        "https://op.[::1]/token",
    ],
)
def test_what_is_no_address_is_refused(text: str):
    """Relative, of another scheme, with a user, or with characters that no URI has."""
    with pytest.raises(InvalidUriError):
        parse_http_uri(text)


@pytest.mark.clause("rfc9449-4.3-13")
@given(
    host=HOST,
    port=PORT | st.sampled_from([80, 443]),
    path=PATH,
    scheme=st.sampled_from(["http", "https"]),
    data=st.data(),
)
def test_every_spelling_of_an_address_is_the_same(
    host: str, port: int, path: str, scheme: str, data: st.DataObject
):
    """Whatever is encoded, written large, left out or added: it is one resource."""
    default = {"http": 80, "https": 443}[scheme]
    plain = parse_http_uri(f"{scheme}://{host}:{port}{path}")
    written_host = encoded(host, data)
    written = data.draw(st.sampled_from([written_host, written_host.upper()]))
    ports = [f":{port}", f":{port:05}"] + (["", ":"] if port == default else [])
    written += data.draw(st.sampled_from(ports)) + (encoded(path, data) if path else "/")
    rest = data.draw(st.sampled_from(["", "?", "?a=/../b", "#", "#f", "?q#f"]))
    written_scheme = data.draw(st.sampled_from([scheme, scheme.upper(), scheme.title()]))
    assert parse_http_uri(f"{written_scheme}://{written}{rest}") == plain


@given(host=HOST, port=PORT, path=PATH)
def test_normalising_twice_changes_nothing(host: str, port: int, path: str):
    """The one spelling is its own."""
    once = parse_http_uri(f"https://{host}:{port}{path}")
    assert parse_http_uri(str(once)) == once
    assert str(parse_http_uri(str(once))) == str(once)


@given(path=PATH.filter(bool))
def test_dot_segments_go_as_rfc_3986_has_it(path: str):
    """The short way gives what the algorithm of section 5.2.4 gives."""
    assert parse_http_uri(f"https://op.example{path}").path == removed_as_the_rfc_says(path)


@pytest.mark.clause("rfc9449-4.3-9")
@given(
    host=HOST,
    port=PORT,
    path=st.lists(st.text(UNRESERVED + RESERVED, min_size=1, max_size=6), max_size=4)
    .filter(lambda segments: not {".", ".."} & set(segments))
    .map(lambda segments: "/" + "/".join(segments)),
    data=st.data(),
)
def test_different_resources_stay_different(host: str, port: int, path: str, data: st.DataObject):
    """Another scheme, host, port, path or case of the path is another address."""
    here = parse_http_uri(f"https://{host}:{port}{path}")
    others = {
        f"http://{host}:{port}{path}",
        f"https://{host}a:{port}{path}",
        f"https://a.{host}:{port}{path}",
        f"https://{host}:{port % 65535 + 1}{path}",
        f"https://{host}:{port}/{path}",
        f"https://{host}:{port}{path}/x",
        f"https://{host}:{port}{path}%2F",
        f"https://{host}:{port}{path}%3F",
        f"https://{host}:{port}{path.swapcase()}~",
    }
    reserved = [each for each in path if each in RESERVED]
    if reserved:
        character = data.draw(st.sampled_from(reserved))
        others.add(f"https://{host}:{port}{path.replace(character, f'%{ord(character):02X}')}")
    assert all(parse_http_uri(other) != here for other in others)
