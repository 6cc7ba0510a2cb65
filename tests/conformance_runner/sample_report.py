"""A run with one check of every outcome, for the tests of reports."""

from ciba_client.conformance.check import Check, Outcome, Result
from ciba_client.conformance.checks.registry import CHECKS
from ciba_client.conformance.plan import Plan, PlannedClient
from ciba_client.conformance.plan_file import RequestSection
from ciba_client.conformance.profile import Profile
from ciba_client.conformance.reports.redaction import Redaction
from ciba_client.conformance.reports.report import Report, Reporting
from ciba_client.sdk.delivery_mode import TokenDeliveryMode
from ciba_client.sdk.jose.algorithms import SignatureAlgorithm
from ciba_client.sdk.jose.signing_key import SigningKey
from ciba_client.sdk.provider.exchange import Exchange
from tests.wire.signing import new_key, sign

SECRET = "tGzv3JOkF0XG5Qx2TlKWIA-access"
NOTIFICATION_TOKEN = "8d67dc78-7faa-4d41-aabd-67707b374255"
STARTED_AT = 1_790_000_000.0
KEY = new_key()


def check(name: str) -> Check:
    """The check of this name."""
    (found,) = [each for each in CHECKS if each.id == name]
    return found


def exchange() -> Exchange:
    """A token request and its answer, with secrets in both."""
    request = sign(
        {"alg": "ES256", "kid": "k"},
        {"iss": "shop", "client_notification_token": NOTIFICATION_TOKEN, "user_code": "9876"},
        KEY,
    )
    return Exchange(
        method="POST",
        url=f"https://op.example/token?access_token={SECRET}",
        request_headers=(("content-type", "x"), ("authorization", f"Bearer {SECRET}")),
        request_body=f"request={request}&scope=openid".encode(),
        sent_at=STARTED_AT,
        seconds=0.012,
        status=200,
        response_headers=(("content-type", "application/json"),),
        response_body=f'{{"access_token":"{SECRET}","note":"<b>&</b>"}}'.encode(),
    )


def results() -> list[Result]:
    """One of each outcome."""
    sent = (exchange(),)
    return [
        Result(
            check=check("request-missing-aud"),
            outcome=Outcome.FAILED,
            seconds=0.5,
            expected="400 invalid_request",
            seen='the request was accepted: <script>"',
            exchanges=sent,
        ),
        Result(check=check("denied"), outcome=Outcome.PASSED, seconds=6.2, exchanges=sent),
        Result(
            check=check("poll-slow-down"),
            outcome=Outcome.WARNED,
            seconds=1.0,
            expected="slow_down",
            seen="it was authorization_pending",
            exchanges=sent,
        ),
        Result(
            check=check("refresh"),
            outcome=Outcome.SKIPPED,
            seconds=0.1,
            reason="no refresh token was issued",
        ),
        Result(
            check=check("expired"),
            outcome=Outcome.ERROR,
            seconds=45.0,
            reason="no answer in time",
            exchanges=sent,
        ),
    ]


def plan() -> Plan:
    """Of a shop that polls."""
    return Plan(
        issuer="https://op.example",
        client=PlannedClient(
            client_id="shop", key=SigningKey(key=KEY, algorithm=SignatureAlgorithm.ES256)
        ),
        profile=Profile.FAPI_CIBA,
        mode=TokenDeliveryMode.POLL,
        request=RequestSection(login_hint="alice"),
    )


def report(*, show_tokens: bool = False, all_exchanges: bool = False) -> Report:
    """The report of it."""
    reporting = Reporting(redaction=Redaction(show_tokens=show_tokens), all_exchanges=all_exchanges)
    return reporting.report(plan(), results(), started_at=STARTED_AT, seconds=61.25)
