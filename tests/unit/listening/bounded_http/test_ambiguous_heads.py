"""What two servers could read in two ways is read by none (RFC 9112 11.2): always 400."""

import pytest

from tests.unit.listening.bounded_http.bare_http import REFUSAL, Listener, request

CHUNKS = "3\r\nabc\r\n0\r\n\r\n"


def chunked(value: str, *lines: str) -> bytes:
    """A request whose transfer coding is this."""
    return request(f"Transfer-Encoding: {value}", *lines, body=CHUNKS)


def chunk(size: str) -> bytes:
    """A request with a chunk of this size."""
    return request("Transfer-Encoding: chunked", body=f"{size}\r\nabc\r\n0\r\n\r\n")


REFUSED = {
    "no HTTP": b"hello\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another version": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "a length that is none": request("Content-Length: x"),
    "a negative length": request("Content-Length: -3", body="abc"),
    "a signed length": request("Content-Length: +3", body="abc"),
    "a hexadecimal length": request("Content-Length: 0x3", body="abc"),
    "an empty length": request("Content-Length:", body="abc"),
    "a list of lengths": request("Content-Length: 3, 3", body="abc"),
    "a huge length": request(f"Content-Length: {'9' * 30}"),
    "two lengths": request("Content-Length: 1", "Content-Length: 2"),
    "one length twice": request("Content-Length: 3", "Content-Length: 3", body="abc"),
    "length and chunks": chunked("chunked", "Content-Length: 3"),
    "chunks and length": request("Content-Length: 3", "Transfer-Encoding: chunked", body=CHUNKS),
    "a last coding that is not chunked": chunked("chunked, identity"),
    "a coding before chunked": chunked("gzip, chunked"),
    "another coding": chunked("xchunked"),
    "a coding that is none": chunked("identity"),
    "an empty coding": chunked(""),
    "an empty coding before": chunked(",chunked"),
    "a coding with a parameter": chunked("chunked;q=1"),
    "a coding after a vertical tab": chunked("\x0bchunked"),
    "a coding twice": chunked("chunked", "Transfer-Encoding: chunked"),
    "two codings": chunked("gzip", "Transfer-Encoding: chunked"),
    "a coding in HTTP/1.0": chunked("chunked").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a space before the colon": request("Transfer-Encoding : chunked", body=CHUNKS),
    "a folded line": request("Transfer-Encoding:", " chunked", body=CHUNKS),
    "a folded first line": b"POST / HTTP/1.1\r\n folded\r\nHost: a\r\n\r\n",
    "line feeds alone": request("Content-Length: 3", body="abc").replace(b"\r\n", b"\n"),
    "carriage returns alone": request("Content-Length: 3", body="abc").replace(b"\r\n", b"\r"),
    "a NUL in a value": request("X: a\0b"),
    "a name that is empty": request(": a"),
    "a negative chunk": chunk("-3"),
    "a prefixed chunk": chunk("0x3"),
    "a chunk before a space": chunk("3 "),
    "a chunk after a space": chunk(" 3"),
    "a chunk that is none": chunk("g"),
    "a huge chunk": chunk("f" * 20),
    "a chunk that ends elsewhere": chunk("2"),
    "no host": b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "two hosts": request("Host: other"),
    "two content types": request("Content-Type: a/b", "Content-Type: c/d"),
    "two credentials": request("Authorization: a", "Authorization: b"),
    "CONNECT": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target that is an authority": request(target="a:80"),
    "a target without a path": request(target="http://a"),
    "a NUL in the target": request(target="/\0"),
    "a target beyond ASCII": request(target="/\xff"),
    "a query beyond ASCII": request(target="/?\xff"),
    "a space in the target": request(target="/a b"),
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
async def test_an_ambiguous_request_is_refused(patient: Listener, sent: bytes):
    """400 as JSON, and the connection ends before anything that follows is read."""
    async with patient.connection() as connection:
        await connection.send(sent)
        assert await connection.answer() == (400, REFUSAL)
        assert await connection.is_ended()


READ = {
    "HTTP/1.0 without a host": b"GET /path HTTP/1.0\r\n\r\n",
    "an absolute target": request("Content-Length: 0", target="http://other/path"),
    "a query": request("Content-Length: 0", target="/path?a=%ff"),
    "a coding in capitals": request("Transfer-Encoding: Chunked", body="0\r\n\r\n", target="/path"),
    "empty lines before": b"\r\n\r\n" + request("Content-Length: 0", target="/path"),
}


@pytest.mark.parametrize("sent", READ.values(), ids=READ.keys())
async def test_what_everybody_reads_alike_is_read(patient: Listener, sent: bytes):
    """A server takes what RFC 9112 has it take."""
    async with patient.connection() as connection:
        await connection.send(sent)
        status, content = await connection.answer()
        assert (status, content["path"]) == (200, "/path")
