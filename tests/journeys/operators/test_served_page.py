"""The page of operators is for whoever asks, and for no page elsewhere."""

from pathlib import Path

import pytest

from tests.journeys.operators.test_attacks import raw
from tests.wire.operator import Operators, problem

PAGE = Path(__file__).parents[3] / "ciba_service" / "endpoints" / "operator" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
VISIT = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
WITHOUT_TOKEN = (401, "unauthenticated")


async def test_every_file_of_the_page_is_served_with_its_policy(operators: Operators):
    """To strangers as well; nothing is made of what they sent."""
    files = [each for each in PAGE.rglob("*") if each.is_file()]
    assert len(files) > 20
    for file in files:
        name = file.relative_to(PAGE).as_posix()
        path = "/" if name == "index.html" else f"/page/{name}"
        answer = await operators.ask("GET", path, by=None)
        assert (answer.status_code, answer.content) == (200, file.read_bytes()), name
        assert answer.headers["content-type"] == MEDIA_TYPES[file.suffix]
        expected = {
            "content-security-policy": POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": "no-cache",
        }
        assert expected.items() <= dict(answer.headers).items()
        assert not [header for header in answer.headers if header.startswith("access-control")]


async def test_a_browser_that_has_a_file_is_told_so(operators: Operators):
    """HEAD has no body; a query changes nothing; whoever asks for the root is led to the page."""
    first = await operators.ask("GET", "/?from=chat", by=None)
    head = await operators.ask("HEAD", "/", by=None)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(first.content))
    known = {"if-none-match": first.headers["etag"]}
    again = await operators.ask("GET", "/", by=None, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    other = await operators.ask("GET", "/", by=None, headers={"if-none-match": '"other"'})
    assert other.content == first.content
    for path in ("/", "/operator"):
        led = await operators.http.get(path)
        assert (led.status_code, led.headers["location"]) == (307, "/operator/")


async def test_of_the_page_there_is_nothing_but_its_files(operators: Operators):
    """No folder is listed and no path climbs; everything else looks as without a page."""
    for path in (
        b"/operator/page", b"/operator/page/", b"/operator/page/look", b"/operator/page/look/",
        b"/operator/page/index.html", b"/operator/index.html", b"/operator/page/../gate.py",
        b"/operator/page/%2e%2e/gate.py", b"/operator/page//main.js", b"/operator/page/main%2ejs",
        b"/operator/page/..%2fgate.py", b"/operator//", b"//operator/", b"/operator/page/main.js/",
        b"/operator/page/main.js%00", b"/operator/page/MAIN.JS", b"/favicon.ico",
    ):  # fmt: skip
        assert await raw(operators, path, {}) == WITHOUT_TOKEN, path
        assert await raw(operators, path, operators.bearer()) == (404, "not_found"), path


async def test_the_page_is_only_read(operators: Operators):
    """With a token or without."""
    for path in ("/", "/page/main.js"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            for by in (None, "writer"):
                answer = await operators.ask(method, path, by=by)
                assert problem(answer) == (405, "method_not_allowed")
                assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(
    operators: Operators, site: str
):
    """As a page of its own: in no frame, by no script, and none of its files or of the API."""
    elsewhere = {"sec-fetch-site": site}
    opened = await operators.ask("GET", "/", by=None, headers={**elsewhere, **VISIT})
    assert opened.status_code == 200
    led = await operators.http.get("/operator", headers={**elsewhere, **VISIT})
    assert led.status_code == 307
    for refused in (
        {},
        {**VISIT, "sec-fetch-dest": "iframe"},
        {**VISIT, "sec-fetch-dest": "object"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
        {"sec-fetch-mode": "cors", "sec-fetch-dest": "document"},
        {"sec-fetch-mode": "navigate"},
        {**VISIT, "origin": "https://evil.example"},
    ):
        answer = await operators.ask("GET", "/", by=None, headers={**elsewhere, **refused})
        assert problem(answer) == (403, "cross_site"), refused
    for method, path in (("POST", "/"), ("GET", "/page/main.js"), ("GET", "/users")):
        answer = await operators.ask(method, path, headers={**elsewhere, **VISIT})
        assert problem(answer) == (403, "cross_site"), path
    doubled = [*VISIT.items(), ("sec-fetch-dest", "document"), *elsewhere.items()]
    answer = await operators.http.get("/operator/", headers=doubled)
    assert problem(answer) == (403, "cross_site")


async def test_the_page_is_not_served_under_a_name_that_is_not_ours(operators: Operators):
    """DNS rebinding: the host is looked at first."""
    for path in (b"/operator/", b"/operator/page/main.js", b"/"):
        assert await raw(operators, path, VISIT, "evil.example") == (421, "misdirected")
