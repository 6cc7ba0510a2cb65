"""Bad HTTP at every endpoint: a clean answer as JSON, never a 500, and nothing but the error."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace

import httpx2
import pytest
import pytest_asyncio

from ciba_service.endpoints.oauth.client_form import ClientFormEndpoint
from ciba_service.endpoints.post import PostEndpoint
from ciba_service.stores.driver.target import RedisTarget
from tests.services.running_service import RunningService, running_service
from tests.wire.client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
POSTS = {
    "/bc-authorize": FORM,
    "/token": FORM,
    "/device/enrolments": JSON,
    "/device/messages": JSON,
}
DOCUMENTS = (
    "/jwks",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
)
GETS = (*DOCUMENTS, "/device/nonce", "/healthz", "/readyz")
LIMITS = {"/bc-authorize": 65_536, "/token": 65_536} | dict.fromkeys(
    ("/device/enrolments", "/device/messages"), 16_384
)
# CIBA 13: %x20-21 / %x23-5B / %x5D-7E
DESCRIPTION = re.compile(r"[ !#-\[\]-~]+", re.ASCII)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing(
    embedded_target: RedisTarget,
    tmp_path_factory: pytest.TempPathFactory,
    till: WireClient,
    other_till: WireClient,
) -> AsyncIterator[RunningService]:
    """One service for all tests: none of them leaves anything in it."""
    keys = tmp_path_factory.getbasetemp() / "keys"
    async with running_service(embedded_target, keys, clients=[till, other_till]) as running:
        yield running


@pytest.fixture
def service(standing: RunningService) -> Iterator[RunningService]:
    """The service; no test may leave it with a failure."""
    yield standing
    assert standing.telemetry.failures == []


def assert_error(answer: httpx2.Response, status: int, error: str = "invalid_request") -> None:
    """The answer is this error as JSON, in the words of CIBA 13, not to be cached."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == JSON
    assert answer.headers["cache-control"] == "no-store"
    content = answer.json()
    assert content["error"] == error
    assert content.keys() == {"error", "error_description"}
    assert all(DESCRIPTION.fullmatch(text) for text in content.values())


@dataclass
class RawAnswer:
    """What came back on a bare connection, until the service closed it or it was complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def send_raw(service: RunningService, request: bytes, *, then_close: bool = False) -> bytes:
    """Send bytes as they are and read to the end of what is answered."""
    host, _, port = service.issuer.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    if then_close:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


def head(path: str, *lines: str) -> bytes:
    """The head of a POST."""
    text = "\r\n".join((f"POST {path} HTTP/1.1", "Host: service", *lines))
    return f"{text}\r\n\r\n".encode("latin-1")


def parsed(answer: bytes) -> RawAnswer:
    """Take an answer apart."""
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return RawAnswer(int(first.split()[1]), headers, body)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", POSTS)
@pytest.mark.clause("ciba-7-2", "rfc6749-3.2-1")
async def test_endpoints_take_posts_only(service: RunningService, path: str, method: str):
    """Any other method is 405 and told which one is right."""
    answer = await service.http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        assert_error(answer, 405)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", GETS)
async def test_documents_are_only_read(service: RunningService, path: str, method: str):
    """Any method but GET and HEAD is 405 and told which ones are right."""
    answer = await service.http.request(method, path)
    assert_error(answer, 405)
    allowed = {name.strip() for name in answer.headers["allow"].split(",")}
    assert allowed == {"GET", "HEAD"}


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_documents_may_be_cached(service: RunningService, path: str):
    """Metadata and keys are JSON, public and good for five minutes; HEAD has no body."""
    read, looked = await service.http.get(path), await service.http.head(path)
    assert (read.status_code, looked.status_code, looked.content) == (200, 200, b"")
    assert read.headers["content-type"] == JSON
    assert read.headers["cache-control"] == "public, max-age=300"
    assert read.headers["content-length"] == looked.headers["content-length"]


@pytest.mark.parametrize(
    "path", ["/", "/tokens", "/token/", "/Token", "//token", "/device/", "/%00", "/..%2ftoken"]
)
async def test_unknown_paths_are_not_found(service: RunningService, path: str):
    """What is not there is 404, whichever way it is asked for, and never a redirect."""
    for method in ("GET", "POST"):
        assert_error(await service.http.request(method, path), 404, "not_found")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "multipart/form-data; boundary=x", "application/jsonx", "é", ";"],
)
@pytest.mark.parametrize("path", POSTS)
async def test_another_content_type_is_refused(
    service: RunningService, path: str, content_type: str | None
):
    """A body of another type is not looked at."""
    headers = {} if content_type is None else {"content-type": content_type.encode("latin-1")}
    answer = await service.http.post(path, content=b"a=b", headers=headers)
    assert_error(answer, 400)


@pytest.mark.parametrize("coding", ["gzip", "identity", ""])
@pytest.mark.parametrize("path", POSTS)
async def test_a_compressed_body_is_refused(service: RunningService, path: str, coding: str):
    """No content coding is undone, and none is passed over (RFC 9110 15.5.16)."""
    headers = {"content-type": POSTS[path], "content-encoding": coding}
    assert_error(await service.http.post(path, content=b"a=b", headers=headers), 415)


@pytest.mark.parametrize("path", POSTS)
async def test_the_content_type_is_read_as_http_has_it(service: RunningService, path: str):
    """Case and parameters of the media type do not matter."""
    headers = {"content-type": f"{POSTS[path].upper()} ; charset=UTF-8"}
    answer = await service.http.post(path, content=b"", headers=headers)
    # The body is looked at, and is nothing.
    assert answer.status_code == (400 if path == "/device/enrolments" else 401)


@pytest.mark.parametrize("path", POSTS)
async def test_an_oversized_body_is_refused_by_its_announced_length(
    service: RunningService, path: str
):
    """With a Content-Length beyond the limit the body is not waited for; the connection ends."""
    request = head(path, f"Content-Type: {POSTS[path]}", f"Content-Length: {LIMITS[path] + 1}")
    answer = parsed(await send_raw(service, request))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert b'"invalid_request"' in answer.body


@pytest.mark.parametrize("path", POSTS)
async def test_an_oversized_body_without_a_length_is_refused_as_it_comes(
    service: RunningService, path: str
):
    """A chunked body is read up to the limit and no further."""
    chunk = b"a" * (LIMITS[path] + 1)
    request = head(path, f"Content-Type: {POSTS[path]}", "Transfer-Encoding: chunked")
    answer = parsed(await send_raw(service, request + b"%x\r\n%s\r\n" % (len(chunk), chunk)))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert b'"invalid_request"' in answer.body


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_of_the_full_size_is_read(service: RunningService, path: str):
    """The limit itself is allowed."""
    content = b" " * LIMITS[path]
    if POSTS[path] == FORM:
        content = b"a" * LIMITS[path]
    answer = await service.http.post(path, content=content, headers={"content-type": POSTS[path]})
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("path", POSTS)
async def test_a_slow_body_is_not_waited_for(
    service: RunningService, path: str, monkeypatch: pytest.MonkeyPatch
):
    """A body that does not arrive in time is 408, and the connection ends."""
    for endpoint in (ClientFormEndpoint, *PostEndpoint.__subclasses__()):
        if hasattr(endpoint, "body"):
            monkeypatch.setattr(endpoint, "body", replace(endpoint.body, seconds=0.01))
    request = head(path, f"Content-Type: {POSTS[path]}", "Content-Length: 10")
    answer = parsed(await send_raw(service, request + b"half"))
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert b'"invalid_request"' in answer.body


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_that_is_cut_off_does_no_harm(service: RunningService, path: str):
    """Nobody is there for an answer; the service goes on and reports no defect."""
    request = head(path, f"Content-Type: {POSTS[path]}", "Content-Length: 10")
    await send_raw(service, request + b"half", then_close=True)
    assert (await service.http.get("/healthz")).status_code == 200
    assert service.telemetry.failures == []


BAD_FORMS = {
    "a repeated parameter": b"grant_type=a&grant_type=b",
    "a parameter repeated in another spelling": b"grant_type=a&grant%5Ftype=b",
    "a repeated parameter without a value": b"scope&scope",
    "broken UTF-8": b"scope=%ff%fe",
    "an overlong encoding": b"scope=%c0%af",
    "a surrogate": b"scope=%ed%a0%80",
    "raw UTF-8": "scope=é".encode(),
    "raw bytes": b"scope=\xff",
    "a broken escape": b"scope=%zz",
    "half an escape": b"scope=%4",
    "too many parameters": b"&".join(b"p%d=1" % number for number in range(65)),
}


@pytest.mark.parametrize("body", BAD_FORMS.values(), ids=BAD_FORMS.keys())
@pytest.mark.parametrize("path", ["/bc-authorize", "/token"])
@pytest.mark.clause("ciba-10.1-3", "ciba-13-1", "ciba-13-2", "rfc6749-3.2-1")
async def test_broken_forms_are_refused_before_anything_else(
    service: RunningService, path: str, body: bytes
):
    """A form that is not exactly one is invalid_request, whoever sent it."""
    headers = {"content-type": FORM, "authorization": "Basic YTpi"}
    answer = await service.http.post(path, content=body, headers=headers)
    assert_error(answer, 400)
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("body", [b"", b"=", b"a", b"grant_type="])
@pytest.mark.parametrize("path", ["/bc-authorize", "/token"])
@pytest.mark.clause("ciba-7.1-1", "ciba-7.2-1", "ciba-13-8")
async def test_an_empty_form_authenticates_nobody(service: RunningService, path: str, body: bytes):
    """Without anything in it a form is told first that the client is unknown."""
    answer = await service.http.post(path, content=body, headers={"content-type": FORM})
    assert_error(answer, 401, "invalid_client")
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("scheme", ["Basic YTpi", "Bearer x", "basic", "ß"])
@pytest.mark.parametrize("path", ["/bc-authorize", "/token"])
@pytest.mark.clause("rfc6749-2.3-1", "rfc6749-5.2-1", "ciba-4-13")
async def test_a_client_that_authenticates_by_header_is_refused(
    service: RunningService, path: str, scheme: str
):
    """The header is no registered method, not even beside a good assertion: 401 and a challenge."""
    form = {**service.till.credentials(), "request": service.till.request_object()}
    headers = {"authorization": scheme.encode("latin-1")}
    answer = await service.http.post(path, data=form, headers=headers)
    assert_error(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="client"'


BAD_ENROLMENTS = {
    "empty": b"",
    "not JSON": b"enrolment=a.b.c",
    "null": b"null",
    "a list": b"[]",
    "no member": b"{}",
    "another type": b'{"enrolment": 5}',
    "broken UTF-8": b'{"enrolment": "\xff"}',
    "deep nesting": b"[" * 10_000,
    "deep nesting where nothing looks": b'{"x": ' + b"[" * 10_000,
}


@pytest.mark.parametrize("body", BAD_ENROLMENTS.values(), ids=BAD_ENROLMENTS.keys())
async def test_what_is_no_enrolment_is_a_bad_request(service: RunningService, body: bytes):
    """A body that does not hold one text is invalid_request."""
    headers = {"content-type": JSON}
    answer = await service.http.post("/device/enrolments", content=body, headers=headers)
    assert_error(answer, 400)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.é.é", "e30.e30.AAAA", "\ud800"])
async def test_what_does_not_verify_is_no_enrolment(service: RunningService, text: str):
    """A text that is no signed enrolment is invalid_enrolment, or no JSON text at all."""
    body = ascii({"enrolment": text}).replace("'", '"').replace("\\x", "\\u00").encode()
    answer = await service.http.post(
        "/device/enrolments", content=body, headers={"content-type": JSON}
    )
    error = "invalid_request" if text == "\ud800" else "invalid_enrolment"
    assert_error(answer, 400, error)


@pytest.mark.parametrize("path", [*POSTS, *GETS, "/nothing"])
async def test_a_huge_header_harms_nobody(service: RunningService, path: str):
    """An answer as ever, or a refusal; never a 500."""
    method = "POST" if path in POSTS else "GET"
    headers = {"content-type": POSTS.get(path, JSON), "x-noise": "n" * 200_000}
    answer = await service.http.request(method, path, headers=headers)
    assert answer.status_code < 500
    assert answer.headers["content-type"] == JSON


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30, "9" * 5000])
async def test_a_content_length_that_is_none(service: RunningService, length: str):
    """A length that is no length is refused before the application, and nothing breaks."""
    request = head("/token", f"Content-Type: {FORM}").removesuffix(b"\r\n")
    request += f"Content-Length: {length}\r\n\r\n".encode()
    answer = parsed(await send_raw(service, request))
    assert 400 <= answer.status < 500
    assert service.telemetry.failures == []


async def test_a_stranger_does_not_fill_the_log(service: RunningService):
    """Of what was sent no more than the beginning is repeated there."""
    headers = {"content-type": JSON, "authorization": "Device nobody"}
    body = b'{"type": "%s"}' % (b"n" * 16_000)
    assert_error(await service.http.post("/device/messages", content=body, headers=headers), 400)
    said = service.telemetry.named("request_refused")[-1].fields["reason"]
    assert 0 < len(str(said)) <= 300
