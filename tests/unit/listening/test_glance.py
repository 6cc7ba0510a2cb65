"""What may be refused without a parser, and what may not."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciba_service.listening.glance import is_one_plain_post

PLAIN = b"POST /token HTTP/1.1\r\nHost: bank.example\r\nContent-Length: 4\r\n\r\nform"


def with_line(line: bytes) -> bytes:
    """The plain one with one more line in its head."""
    return PLAIN.replace(b"Host:", line + b"\r\nHost:")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        with_line(b"DPoP: abc"),
        PLAIN.replace(b"Content-Length: 4", b"CONTENT-LENGTH:\t 4 "),
        PLAIN.replace(b"4\r\n\r\nform", b"0\r\n\r\n"),
    ],
)
def test_one_whole_post_is_plain(data: bytes):
    """Its head, and as much after it as it says."""
    assert is_one_plain_post(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:-1],
        PLAIN + b"P",
        PLAIN + PLAIN,
        PLAIN[:30],
        b"\r\n" + PLAIN,
        PLAIN.replace(b"POST", b"GET"),
        PLAIN.replace(b"POST ", b"POST  "),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.1 HTTP/1.0"),
        PLAIN.replace(b"Content-Length: 4\r\n", b""),
        with_line(b"Content-Length: 4"),
        with_line(b"content-length: 5"),
        with_line(b"Transfer-Encoding: chunked"),
        with_line(b"Connection: close"),
        with_line(b"Expect: 100-continue"),
        with_line(b"Origin: https://page.example"),
        with_line(b"UPGRADE: websocket"),
        with_line(b"X: a\nContent-Length: 40"),
        PLAIN.replace(b": 4", b": +4"),
        PLAIN.replace(b": 4", b": 4, 4"),
        PLAIN.replace(b": 4", b": "),
        PLAIN.replace(b": 4", b": \xb2"),
        PLAIN.replace(b": 4\r\n\r\nform", b": 000004\r\n\r\nform"),
        b"POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n" + bytes(65_536),
    ],
)
def test_whatever_is_not_obviously_so_is_parsed(data: bytes):
    """More, less, another method or version, another end than the length says."""
    assert not is_one_plain_post(data)


class Counting:
    """What a parser makes of the same bytes."""

    def __init__(self) -> None:
        self.begun = self.complete = 0

    def on_message_begin(self) -> None:
        """A message begins."""
        self.begun += 1

    def on_message_complete(self) -> None:
        """A message ends."""
        self.complete += 1


@given(
    lines=st.lists(
        st.sampled_from(
            [
                b"Host: a", b"Content-Length: 4", b"content-length:4", b"Content-Length : 4",
                b" folded", b"Transfer-Encoding: chunked", b"Transfer-Encoding : chunked",
                b"X: \x00", b"X: a\rb", b"Connection:close", b"", b"Accept: x",
            ]
        ),
        max_size=5,
    ),
    body=st.sampled_from([b"form", b"", b"form\r\n", b"POST", b"0\r\n\r\n"]),
)  # fmt: skip
def test_the_parser_never_sees_two_where_one_was_refused(lines: list[bytes], body: bytes):
    """What is refused at a glance is one message to the parser too, or nothing it would serve."""
    data = b"\r\n".join([b"POST / HTTP/1.1", *lines, b"", b""]) + body
    if not is_one_plain_post(data):
        return
    seen = Counting()
    try:
        httptools.HttpRequestParser(seen).feed_data(data)
    except httptools.HttpParserError:
        return
    assert (seen.begun, seen.complete) == (1, 1)


def sized(length: int) -> bytes:
    """A plain one of so many bytes in all."""
    head = b"POST /token HTTP/1.1\r\nContent-Length: %d\r\n\r\n"
    body = length - len(head % length)
    return head % body + b"f" * body


def test_a_large_one_is_left_to_the_parser():
    """Beyond 64 kilobytes, or with a length of more than five digits."""
    assert len(sized(65_536)) == 65_536
    assert is_one_plain_post(sized(65_536))
    assert not is_one_plain_post(sized(65_537))
    assert is_one_plain_post(PLAIN.replace(b": 4", b": 00004"))
    assert not is_one_plain_post(PLAIN.replace(b": 4", b": 000004"))
