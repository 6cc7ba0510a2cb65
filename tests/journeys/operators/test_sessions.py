"""A page in a browser swaps a token once for a cookie, and shows a second secret to write."""

from datetime import UTC, datetime, timedelta

import httpx2

from ciba_service.protocol.operators.sessions import MOST_SESSIONS
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.operator import READER, WRITER, Operators, operating, operator, problem


async def opened(operators: Operators, name: str = WRITER) -> tuple[httpx2.Response, str]:
    """A session, and the header its cookie is sent back in."""
    answer = await operators.ask("POST", "/session", by=name)
    assert answer.status_code == 201, answer.text
    operators.http.cookies.clear()
    return answer, answer.headers["set-cookie"].partition(";")[0]


def headers(opening: httpx2.Response, cookie: str) -> dict[str, str]:
    """What a page of ours sends to write."""
    return {"cookie": cookie, "x-csrf-token": opening.json()["csrf_token"]}


async def test_a_token_is_swapped_for_a_cookie(operators: Operators):
    """It opens what the token opens, and no script and no other site can use it."""
    opening, cookie = await opened(operators)
    told = opening.json()
    assert (told["operator"], told["roles"]) == (WRITER, ["write"])
    assert told["expires_at"].endswith("Z")
    place, *attributes = opening.headers["set-cookie"].split("; ")[1:]
    assert place == "Path=/operator"
    assert attributes == ["HttpOnly", "SameSite=Strict", "Max-Age=3600"]
    assert operators.tokens[WRITER] not in opening.headers["set-cookie"]
    said = str(operators.service.telemetry.events)
    for secret in (cookie.partition(".")[2], told["csrf_token"], operators.tokens[WRITER]):
        assert secret not in said
    shown = await operators.get("/session", by=None, headers={"cookie": f"other=1; {cookie}"})
    assert shown == told
    assert (await operators.get("/users", by=None, headers={"cookie": cookie}))["items"]
    head = await operators.ask("HEAD", "/users", by=None, headers={"cookie": cookie})
    assert (head.status_code, head.content) == (200, b"")
    by_token = await operators.get("/session", by=READER)
    assert by_token.pop("time") == told["time"]
    assert by_token == {
        "operator": READER, "roles": ["read"], "expires_at": None, "csrf_token": None,
    }  # fmt: skip


async def test_to_write_a_page_shows_the_second_secret(operators: Operators):
    """Without it, or with another, a cookie only reads."""
    opening, cookie = await opened(operators)
    for presented in (None, "", "wrong", "é", opening.json()["csrf_token"][:-1]):
        sent = {"cookie": cookie.encode()}
        if presented is not None:
            sent["x-csrf-token"] = presented.encode()
        refused = await operators.ask("POST", "/users/alice/unlock", by=None, headers=sent)
        assert problem(refused) == (403, "csrf"), presented
    assert await operators.writes() == []
    good = headers(opening, cookie)
    done = await operators.ask("POST", "/users/alice/unlock", by=None, headers=good)
    assert done.status_code == 204


async def test_a_session_ends_by_hand(operators: Operators):
    """The cookie is worth nothing afterwards, and the browser is told to forget it."""
    opening, cookie = await opened(operators)
    good = headers(opening, cookie)
    closed = await operators.ask("DELETE", "/session", by=None, headers=good)
    assert closed.status_code == 204
    assert closed.headers["set-cookie"].startswith("ciba-operator=;")
    assert "Max-Age=0" in closed.headers["set-cookie"]
    over = await operators.ask("GET", "/session", by=None, headers=good)
    assert problem(over) == (401, "unauthenticated")
    assert (await operators.ask("DELETE", "/session")).status_code == 204
    names = [event.name for event in operators.service.telemetry.events]
    assert names.count("operator_session_closed") == 1


async def test_a_session_ends_by_time(service: RunningService, operators: Operators):
    """To the second, and nobody prolongs it without the token."""
    opening, cookie = await opened(operators)
    service.clock.advance(3_599)
    prolonging = await operators.ask("POST", "/session", by=None, headers=headers(opening, cookie))
    assert problem(prolonging) == (401, "unauthenticated")
    await operators.get("/session", by=None, headers={"cookie": cookie})
    service.clock.advance(1)
    for _ in range(30):
        over = await operators.ask("GET", "/session", by=None, headers={"cookie": cookie})
        assert problem(over) == (401, "unauthenticated")


async def test_one_token_has_so_many_sessions(operators: Operators):
    """One more ends the oldest."""
    cookies = []
    for _ in range(MOST_SESSIONS + 1):
        cookies.append((await opened(operators))[1])
        operators.service.clock.advance(1)
    first, *others = [
        (await operators.ask("GET", "/session", by=None, headers={"cookie": cookie})).status_code
        for cookie in cookies
    ]
    assert first == 401
    assert set(others) == {200}


async def test_cookies_that_are_worth_nothing(operators: Operators):
    """One that is none of ours, two of the name, and a good one beside a wrong token."""
    for cookie in (
        "ciba-operator=",
        "ciba-operator=nonsense",
        f"ciba-operator={'0' * 32}.{'A' * 43}",
        f"__Host-ciba-operator={'0' * 32}.{'A' * 43}",
    ):
        refused = await operators.ask("GET", "/users", by=None, headers={"cookie": cookie})
        assert problem(refused) == (401, "unauthenticated"), cookie
    _, cookie = await opened(operators)
    planted = {"cookie": f"{cookie}; ciba-operator=planted"}
    refused = await operators.ask("GET", "/users", by=None, headers=planted)
    assert problem(refused) == (400, "malformed_request")
    beside = {"cookie": cookie, "authorization": "Bearer wrong"}
    refused = await operators.ask("GET", "/users", by=None, headers=beside)
    assert problem(refused) == (401, "unauthenticated")


async def test_a_session_ends_with_its_token(run_service: ServiceRunner, till: WireClient):
    """And the cookie of a listener behind https cannot be set by another host or plain http."""
    ends = datetime.now(UTC) + timedelta(hours=2)  # noqa: TID251 - the clock begins in an hour
    sections = {
        "operators": [operator(WRITER, "token", "write", expires=ends.isoformat())],
        "operator": {"base_url": "https://operators.example", "session_seconds": 43_200},
    }
    async with (
        run_service(clients=[till], sections=sections) as service,
        operating(service, {WRITER: "token"}) as operators,
    ):
        host = {"host": "operators.example", "origin": "https://operators.example"}
        opening = await operators.ask("POST", "/session", headers=host)
        name, *attributes, age = opening.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-ciba-operator=")
        assert attributes == ["Secure", "Path=/", "HttpOnly", "SameSite=Strict"]
        assert 3_500 < int(age.removeprefix("Max-Age=")) <= 3_600
        operators.http.cookies.clear()
        await operators.get("/users", by=None, headers={"cookie": name})
        service.clock.advance(3_600)
        for sent in ({"cookie": name}, operators.bearer()):
            over = await operators.ask("GET", "/users", by=None, headers=sent)
            assert problem(over) == (401, "unauthenticated")
