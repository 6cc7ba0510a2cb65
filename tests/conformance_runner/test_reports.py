"""Reports say the same to people and programs, and give no secret away."""

import io
import json
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from ciba_client.conformance.check import Outcome
from ciba_client.conformance.reports.files import as_json, as_junit
from ciba_client.conformance.reports.html import as_html
from ciba_client.conformance.reports.markdown import as_markdown
from ciba_client.conformance.reports.redaction import Redaction
from ciba_client.conformance.reports.report import FORMAT
from ciba_client.conformance.reports.terminal import Terminal
from tests.conformance_runner.sample_report import (
    NOTIFICATION_TOKEN,
    SECRET,
    check,
    exchange,
    report,
    results,
)
from tools.conformance import SCHEMA

KINDS = {
    "json": lambda made: as_json(made).decode(),
    "junit": as_junit,
    "html": as_html,
    "markdown": as_markdown,
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_report_gives_tokens_away(kind: str):
    """Access tokens, notification tokens and user codes are shortened or left out."""
    text = KINDS[kind](report(all_exchanges=True))
    for secret in (SECRET, NOTIFICATION_TOKEN, "9876"):
        assert secret not in text


def test_tokens_are_shown_when_that_is_asked_for():
    """Then the exchange is there as it was."""
    assert SECRET in as_html(report(show_tokens=True))


def test_a_signed_request_is_taken_apart():
    """Its header and claims can be read, and its signature is gone."""
    (first, *_) = report().checks
    body = first.exchanges[0].request_body
    assert '"iss":"shop"' in body
    assert '"alg":"ES256"' in body
    assert exchange().request_body.decode().partition("&")[0][-40:] not in body


def test_json_is_as_its_schema_says():
    """The schema is the published one, and the report is of its format."""
    made = json.loads(as_json(report()))
    jsonschema.validate(made, json.loads(SCHEMA.read_text()))
    assert made["format"] == FORMAT
    assert made["totals"] == {
        "passed": 1, "failed": 1, "warned": 1, "skipped": 1, "error": 1,
    }  # fmt: skip
    assert made["started_at"].endswith("Z")


def test_exchanges_are_told_where_something_is_wrong():
    """And for all checks only when that is asked for."""
    told = {each.id for each in report().checks if each.exchanges}
    assert told == {"request-missing-aud", "poll-slow-down", "expired"}
    assert "denied" in {each.id for each in report(all_exchanges=True).checks if each.exchanges}


def test_a_failing_check_quotes_its_clause():
    """Where it stands, and what it says."""
    (first, *_) = report().checks
    (clause,) = first.requirements
    assert clause.id == "ciba-7.1.1-5"
    assert clause.place.startswith("OpenID Connect CIBA Core 1.0")
    assert first.certification_modules == ["fapi-ciba-id1-ensure-request-object-missing-aud-fails"]


def test_build_servers_can_read_junit():
    """Well-formed, with counts that are right, whatever a provider has answered."""
    root = ET.fromstring(as_junit(report()))  # noqa: S314 - written here
    (suite,) = root
    counts = ("tests", "failures", "errors", "skipped")
    assert [suite.get(name) for name in counts] == ["5", "1", "1", "1"]
    (failure,) = root.iter("failure")
    assert "400 invalid_request" in failure.get("message", "")
    assert "ciba-7.1.1-5" in (failure.text or "")
    assert next(iter(suite)).get("name") == "request-missing-aud"


class _Tags(HTMLParser):
    """All tags and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_needs_nothing_else():
    """No script, nothing fetched, and no markup from a provider."""
    page = as_html(report())
    seen = _Tags()
    seen.feed(page)
    assert "script" not in seen.tags
    assert seen.references == []
    assert "url(" not in page
    assert "&lt;script&gt;" in page
    assert page.count('class="check') == 5


def test_markdown_has_a_row_for_each_check():
    """With the remark of those that did not pass."""
    rows = [line for line in as_markdown(report()).splitlines() if line.startswith("| `")]
    assert len(rows) == 5
    assert "no refresh token was issued" in rows[3]


def test_what_is_no_terminal_gets_plain_lines():
    """Each check as it ends, and then what did not go well, with its clause."""
    stream = io.StringIO()
    terminal = Terminal(stream)
    with terminal.watching(5):
        for each in results():
            terminal.began(each.check)
            terminal.waits(each.check, 5, "the interval")
            terminal.ended(each)
    terminal.summary(report(), ["report.html"])
    text = stream.getvalue()
    assert "\x1b" not in text
    assert "passed   denied" in text
    assert "expected 400 invalid_request" in text
    assert "The provider MUST require `aud`" in text
    assert "report: report.html" in text


def test_quiet_leaves_the_summary():
    """Nothing while it runs."""
    stream = io.StringIO()
    terminal = Terminal(stream, quiet=True)
    with terminal.watching(1):
        terminal.ended(results()[1])
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"<html>a=b</html>", b'{"a": [1, 2]}', b"[" * 100_000, b"a=b&c"]
)
def test_any_body_can_be_shown(body: bytes):
    """However strange, and never at greater length than is useful."""
    assert len(Redaction().body(body)) <= 9_000


def test_a_report_is_clean_without_failures_and_errors():
    """Warnings and skipped checks do not count."""
    assert not report().is_clean
    assert check("denied").id in {each.id for each in report().checks}
    assert set(report().totals) == set(Outcome)
