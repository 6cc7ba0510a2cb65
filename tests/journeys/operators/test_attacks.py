"""Whoever is no operator, or not enough of one, gets nothing at the operators' listener."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from ciba_service.endpoints.operator import bodies
from ciba_service.flow.operators.users import OperatedUsers
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.protocol.operators.guessing import MOST_WRONG
from ciba_service.sca.messages import transaction_id
from tests.services.running_service import RunningService
from tests.wire.events import STREAM
from tests.wire.operator import READER, WRITER, Operators, problem

WRITES = (
    ("POST", "/users/alice/unlock"),
    ("POST", "/users/alice/reset"),
    ("POST", "/users/alice/activation"),
    ("DELETE", "/users/alice/blocks/till"),
    ("DELETE", f"/users/alice/accesses/{'A' * 22}"),
    ("DELETE", f"/devices/{'A' * 43}"),
    ("POST", f"/transactions/{'A' * 22}/cancel"),
    ("POST", f"/deliveries/{'A' * 22}/redeliver"),
    ("DELETE", "/clients/till"),
    ("POST", "/clients/till/disable"),
    ("POST", "/clients/till/enable"),
)
UNAUTHENTICATED = (401, "unauthenticated")


async def test_without_a_token_nothing_is_told(operators: Operators):
    """Not even which paths there are; the challenge says what is needed (RFC 6750 3)."""
    for path in ("/users", "/nowhere", "/page", "/../healthz", "/openapi.json", "/session"):
        answer = await operators.ask("GET", path, by=None)
        assert problem(answer) == UNAUTHENTICATED, path
        assert answer.headers["www-authenticate"] == 'Bearer realm="operator"'


async def test_what_is_no_token_of_an_operator(operators: Operators):
    """Nor is a token in the query one; none is ever logged."""
    malformed = (400, "malformed_request")
    token = operators.tokens[WRITER]
    for authorization, expected in {
        "Bearer wrong": UNAUTHENTICATED,
        "Basic d3JpdGVyOndyb25n": UNAUTHENTICATED,
        f"DPoP {token}": UNAUTHENTICATED,
        "Bearer": malformed,
        "Bearer " + "A" * 9000: malformed,
        "Bearer two tokens": malformed,
    }.items():
        sent = {"authorization": authorization}
        answer = await operators.ask("GET", "/users", by=None, headers=sent)
        assert problem(answer) == expected, authorization
    in_query = await operators.ask("GET", f"/users?access_token={token}", by=None)
    assert problem(in_query) == UNAUTHENTICATED
    assert token not in str(operators.service.telemetry.events)


async def test_guesses_are_bounded_and_lock_nobody_out(
    service: RunningService, operators: Operators
):
    """Beyond the bound they are answered 429, with one line in the log; a right token is right."""
    wrong = {"authorization": "Bearer wrong"}
    for _ in range(MOST_WRONG):
        answer = await operators.ask("GET", "/users", by=None, headers=wrong)
        assert problem(answer) == UNAUTHENTICATED
    for _ in range(3):
        answer = await operators.ask("GET", "/users", by=None, headers=wrong)
        assert problem(answer) == (429, "too_many_attempts")
        assert answer.headers["retry-after"] == "60"
    assert len(service.telemetry.named("operator_refused")) == MOST_WRONG
    (said,) = service.telemetry.named("operator_tokens_guessed")
    assert said.fields == {"peer": "127.0.0.1"}
    events = await operators.security_events("operator_authentication_failed")
    assert events == [{"peer": "127.0.0.1"}] * MOST_WRONG
    assert (await operators.get("/users"))["items"]
    service.clock.advance(60)
    answer = await operators.ask("GET", "/users", by=None, headers=wrong)
    assert problem(answer) == UNAUTHENTICATED


async def test_whoever_may_read_does_not_write(operators: Operators):
    """Whether there is what is written to or not; who writes reads as well."""
    for method, path in WRITES:
        answer = await operators.ask(method, path, by=READER)
        assert problem(answer) == (403, "forbidden"), path
    refused = operators.service.telemetry.named("operator_refused")
    assert [each.fields["operator"] for each in refused] == [READER] * len(WRITES)
    assert await operators.writes() == []
    assert (await operators.get("/users", by=WRITER))["items"]


async def test_bodies_that_are_not_taken(operators: Operators):
    """Nothing is done, and nothing of them is repeated."""
    invalid, plain = (400, "invalid_body"), "application/json"
    for body, media_type, expected in (
        (b"{", plain, invalid),
        (b"[]", plain, invalid),
        (b'{"further": true, "further": true}', plain, invalid),
        (b'{"further": "yes"}', plain, invalid),
        (b'{"admin": true}', plain, invalid),
        (b"\xff", plain, invalid),
        (b"[" * 4000, plain, invalid),
        (b" " * 5000, plain, (413, "too_large")),
        (b"{}", "text/plain", (415, "unsupported")),
        (b"further=true", "application/x-www-form-urlencoded", (415, "unsupported")),
    ):
        sent = {"content-type": media_type}
        path = "/users/alice/activation"
        answer = await operators.ask("POST", path, content=body, headers=sent)
        assert problem(answer) == expected, body
        assert answer.headers["connection"] == "close"
    coded = {"content-type": plain, "content-encoding": "gzip"}
    answer = await operators.ask("POST", path, content=b"{}", headers=coded)
    assert problem(answer) == (415, "unsupported")
    untyped = await operators.ask("POST", path, content=b"{}")
    assert problem(untyped) == (415, "unsupported")
    unread = await operators.ask("POST", path, by=None, content=b" " * 2_000_000)
    assert problem(unread) == UNAUTHENTICATED
    assert await operators.writes() == []


async def test_the_media_type_of_a_body_is_read_as_http_has_it(operators: Operators):
    """Case and parameters do not matter (RFC 9110 8.3.1); what was read ends no connection."""
    sent = {"content-type": "Application/JSON ; charset=utf-8"}
    for user, status in (("bob", 201), ("nobody", 404)):
        path = f"/users/{user}/activation"
        answer = await operators.ask("POST", path, content=b'{"further": false}', headers=sent)
        assert answer.status_code == status
        assert "connection" not in answer.headers


async def half_a_body(operators: Operators, *, then_close: bool = False) -> bytes:
    """Send it, and read to the end of what is answered."""
    parts = urlsplit(operators.base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = {
        "Host": parts.netloc,
        "Content-Type": "application/json",
        "Content-Length": "2",
        **operators.bearer(),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"POST /operator/users/bob/activation HTTP/1.1\r\n{head}\r\n{{".encode())
    if then_close:
        writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_slow_body_is_not_waited_for(operators: Operators, monkeypatch: pytest.MonkeyPatch):
    """408, and whatever is still to come is not read."""
    monkeypatch.setattr(bodies, "_POLICY", replace(bodies._POLICY, seconds=0.01))
    answer = await half_a_body(operators)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_slow"
    assert await operators.writes() == []


async def test_a_body_that_is_cut_off_does_no_harm(operators: Operators):
    """Nothing is done for a sender that went away in the middle, and it is no defect."""
    await half_a_body(operators, then_close=True)
    assert (await operators.get("/users"))["items"]
    assert operators.service.telemetry.failures == []
    assert await operators.writes() == []


@pytest.mark.usefixtures("phone")
async def test_a_stream_is_for_whoever_asks_and_says_no_more(operators: Operators):
    """A body is read before a stream begins: else nobody would notice that its sender has gone."""
    name = transaction_id(await operators.service.till.started())
    sent = {"content-type": "application/json", "accept": STREAM}
    for path in ("/events", f"/transactions/{name}/events"):
        async with asyncio.timeout(10):
            answer = await operators.ask("GET", path, content=b'{"from": 1}', headers=sent)
        assert problem(answer) == (400, "invalid_body"), path


async def test_a_body_is_read_wherever_one_may_be(operators: Operators):
    """Whoever says something that is not understood has nothing done."""
    for method, path in (*WRITES, ("POST", "/session")):
        if method == "POST":
            answer = await operators.ask(method, path, json={"only_if": "nobody waits"})
            assert problem(answer) == (400, "invalid_body"), path
    assert await operators.writes() == []


async def test_a_body_in_chunks_is_bounded_as_any(operators: Operators):
    """It is read to its end, or to the bound."""

    async def chunks(number: int) -> AsyncIterator[bytes]:
        for _ in range(number):
            yield b" " * 1024
        yield b"{}"

    for number, status in ((1, 201), (5, 413)):
        answer = await operators.ask(
            "POST",
            "/users/bob/activation",
            content=chunks(number),
            headers={"content-type": "application/json"},
        )
        assert answer.status_code == status


async def test_queries_and_cursors_that_are_not_taken(operators: Operators):
    """Each parameter at most once, only what the resource takes, and cursors that it gave."""
    for query in (
        "limit=0", "limit=101", "limit=-1", "limit=", "limit=1000", "limit=%C2%B2", "limit=%ff",
        "limit=1&limit=2", "unknown=1", "limit", "x" * 5000, "%ff=1", "state=due",
        "&".join("abcdefghijklmnopqr"),
    ):  # fmt: skip
        answer = await operators.ask("GET", f"/users?{query}")
        assert problem(answer) == (400, "invalid_query"), query
    assert (await operators.ask("GET", "/users?limit=100")).status_code == 200
    answer = await operators.ask("GET", "/deliveries?state=delivered")
    assert problem(answer) == (400, "invalid_query")
    nested = base64url(b"[" * 1_500)
    for path in ("/users", "/devices", "/transactions", "/deliveries", "/clients"):
        for cursor in ("", "!", "AAAA", "W10", "WzFd", "WyJhIiwxXQ", "bnVsbA", "A" * 3000, nested):
            answer = await operators.ask("GET", path, params={"cursor": cursor})
            assert problem(answer) == (400, "invalid_cursor"), (path, cursor)
    answer = await operators.ask("GET", "/events", params={"cursor": "WyJhIl0"})
    assert problem(answer) == (400, "invalid_cursor")


async def test_paths_that_there_are_not(service: RunningService, operators: Operators):
    """No path is read as another; nothing of the public listeners is here, nor the other way."""
    for path in (
        b"/operator/page", b"/operator/page/", b"//operator/users", b"/operator//users",
        b"/operator/users/", b"/operator/./users", b"/operator/users/..",
        b"/operator/%2e%2e/operator/users",
        b"/OPERATOR/users", b"/operator/users/%ff", b"/operator/users%2falice", b"/bc-authorize",
        b"/healthz", b"/device/messages", b"/operator/users;a=b", b"/operator/%75sers",
        b"/operator/users%00",
    ):  # fmt: skip
        assert (await raw(operators, path, operators.bearer())) == (404, "not_found"), path
    for path in ("/operator/users", "/operator/session", "/operator/openapi.json", "/operator/"):
        for headers in ({}, operators.bearer()):
            answer = await service.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def raw(
    operators: Operators, path: bytes, headers: dict[str, str], host: str = ""
) -> tuple[int, str]:
    """Send a request as it stands; status and code of the answer."""
    parts = urlsplit(operators.base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = {"Host": host or parts.netloc, "Connection": "close", **headers}
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in lines.items())
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + head + b"\r\n")
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    status, body = int(answer.split(b" ")[1]), answer.partition(b"\r\n\r\n")[2]
    return status, json.loads(body)["code"] if status >= 400 else ""


async def test_methods_that_a_resource_does_not_have(operators: Operators):
    """It says which it has; there is no CORS, and so no preflight that would allow anything."""
    for method, path, allowed in (
        ("PUT", "/users", "GET, HEAD"),
        ("PATCH", "/session", "DELETE, GET, HEAD, POST"),
        ("GET", "/users/alice/unlock", "POST"),
        ("OPTIONS", "/clients/till", "DELETE, GET, HEAD"),
        ("TRACE", "/users", "GET, HEAD"),
    ):
        answer = await operators.ask(method, path)
        assert problem(answer) == (405, "method_not_allowed"), method
        assert answer.headers["allow"] == allowed
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_pages_elsewhere_are_not_let_in(operators: Operators):
    """Whatever they bring; a page of our own is, and so is whoever is no browser."""
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": operators.base_url.replace("http:", "https:")},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        for method, path in (("GET", "/users"), ("POST", "/users/alice/unlock")):
            answer = await operators.ask(method, path, headers=headers)
            assert problem(answer) == (403, "cross_site"), headers
    assert await operators.writes() == []
    own = {"origin": operators.base_url, "sec-fetch-site": "same-origin"}
    assert (await operators.ask("GET", "/users", headers=own)).status_code == 200
    for name, value in own.items():
        twice = [*operators.bearer().items(), *[(name, value)] * 2]
        answer = await operators.http.get("/operator/users", headers=twice)
        assert problem(answer) == (400, "malformed_request")


async def test_names_that_lead_here_by_a_trick_are_refused(operators: Operators):
    """DNS rebinding: the name in ``Host`` is that of the page, which is not one of ours."""
    for host in (
        "evil.example", "evil.example:8090", "localhost.evil.example", "127.0.0.1.nip.io", "a:b",
    ):  # fmt: skip
        assert await raw(operators, b"/operator/users", operators.bearer(), host) == (
            421, "misdirected",
        ), host  # fmt: skip
    for host in ("localhost", "LOCALHOST:9", "127.0.0.1", "[::1]:8090", "[::1]"):
        answer = await raw(operators, b"/operator/users", operators.bearer(), host)
        assert answer == (200, ""), host


async def test_a_defect_says_nothing_of_itself(
    operators: Operators, monkeypatch: pytest.MonkeyPatch
):
    """The log has it; the answer is a problem like any other."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(OperatedUsers, "page", broken)
    answer = await operators.http.get("/operator/users", headers=operators.bearer())
    assert problem(answer) == (500, "defect")
    assert "detail" not in answer.json()["detail"]
    (failure,) = operators.service.telemetry.failures
    assert failure.name == "defect"
    operators.service.telemetry.failures.clear()
