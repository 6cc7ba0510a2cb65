"""The site of the web phone: what it serves, to whom, and what it lets the page do."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from authenticator_sim.web.files import page_files
from authenticator_sim.web.site import PhoneSite, phone_page
from tests.services.running_service import PLAIN

ADDRESS = "http://localhost:8070/"


@pytest.fixture
async def browser() -> AsyncIterator[httpx2.AsyncClient]:
    """Whoever asks the site, with no network between."""
    site = PhoneSite(issuer="https://op.example/tenant", address=ADDRESS, page=phone_page())
    transport = httpx2.ASGITransport(site)
    async with httpx2.AsyncClient(transport=transport, base_url=ADDRESS, verify=PLAIN) as client:
        yield client


async def test_the_page_may_run_its_own_files_and_talk_to_its_service_only(
    browser: httpx2.AsyncClient,
):
    """A closed policy, and headers that keep other pages out."""
    answer = await browser.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} < set(policy)
    assert "connect-src 'self' https://op.example wss://op.example" in policy
    assert {"require-trusted-types-for 'script'", "trusted-types 'none'"} < set(policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_page_learns_where_its_service_is(browser: httpx2.AsyncClient):
    """The one thing that is not a file."""
    answer = await browser.get("/configuration.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"issuer": "https://op.example/tenant"}


@pytest.mark.parametrize(
    "path",
    ["/look", "/look/", "/../site.py", "/..%2fsite.py", "/%2e%2e/site.py", "//etc/passwd", "/x.js"],
)
async def test_what_is_no_file_of_the_page_is_not_there(browser: httpx2.AsyncClient, path: str):
    """No listing, and no way out of the folder."""
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (404, "There is no such file.")


async def test_nothing_can_be_done_but_reading(browser: httpx2.AsyncClient):
    """GET and HEAD only."""
    assert (await browser.head("/")).status_code == 200
    refused = await browser.post("/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8070", "localhost:1", "localhost.:8070", "", "a:b:c", "[", "1]"],
)
async def test_another_name_for_this_machine_leads_nowhere(browser: httpx2.AsyncClient, host: str):
    """DNS rebinding: what is asked for as another host is not told where the service is."""
    answer = await browser.get("/configuration.json", headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "host", ["[", "[::1", "1.2.3.4]", "localhost.:8070", "localhost:8070@evil"]
)
async def test_a_host_that_is_none_is_not_led_to_the_page(browser: httpx2.AsyncClient, host: str):
    """Nor is it an error of the site."""
    assert (await browser.get("/", headers={"host": host})).status_code == 421


async def test_two_hosts_are_no_host(browser: httpx2.AsyncClient):
    """Whoever sends two means to confuse somebody."""
    both = [("host", "localhost:8070"), ("host", "evil.example")]
    assert (await browser.get("/", headers=both)).status_code == 421


async def test_a_person_who_types_127_0_0_1_is_sent_to_localhost(browser: httpx2.AsyncClient):
    """Keys and passkeys belong to the origin with the name."""
    answer = await browser.get("/?phone=2", headers={"host": "127.0.0.1:8070"})
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://localhost:8070/?phone=2"


def test_only_files_of_known_kinds_are_served(tmp_path: Path):
    """What an editor leaves in the folder is in nobody's table."""
    (tmp_path / "look").mkdir()
    for name in ("index.html", "index.html~", "notes.txt", "look/a.css", "look/.hidden"):
        (tmp_path / name).write_bytes(b"x")
    assert set(page_files(tmp_path)) == {"/", "/index.html", "/look/a.css"}
