"""Users are shown what they sign in their language, on every phone, before and after."""

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest

from authenticator_sim.commands.oneshot import OneShotOptions, approve
from ciba_service.sca.messages import transaction_id
from tests.journeys.deciding.test_payment import PAYMENT
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.simulated_phone import enrolled_state, surroundings
from tests.wire.client import WireClient
from tests.wire.signing import claims_of
from tests.wire.tokens import REFRESHING

LARGE = {**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "1234.50"}}
ACCOUNTS = {"type": "account_information", "actions": ["read_balances"]}


@pytest.fixture
def shop() -> WireClient:
    """A client that gets refresh tokens."""
    types = ["payment_initiation", "account_information"]
    return WireClient("shop", metadata={**REFRESHING, "authorization_details_types": types})


@pytest.fixture
async def bank(run_service: ServiceRunner, shop: WireClient) -> AsyncIterator[RunningService]:
    """A bank whose users read German, but for Bob."""
    users = [{"sub": "alice"}, {"sub": "bob", "locale": "en"}, {"sub": "carol", "locale": "de"}]
    sections = {"device": {"locale": "de"}}
    async with run_service(clients=[shop], users=users, sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


@pytest.mark.clause("sca-art5-1")
@pytest.mark.parametrize(
    ("user", "locale", "title", "amount"),
    [
        ("alice", "de", "Zahlung bestätigen", "1.234,50 EUR"),
        ("bob", "en", "Confirm payment", "1,234.50 EUR"),
        ("carol", "de", "Zahlung bestätigen", "1.234,50 EUR"),
    ],
)
async def test_the_language_is_the_users(
    bank: RunningService, shop: WireClient, user: str, locale: str, title: str, amount: str
):
    """Their own, else the service's, and never the client's; every phone shows the same text."""
    phones = [await bank.enrolled_phone(user, name) for name in ("Phone", "Tablet")]
    wish = "en" if locale == "de" else "de"
    await shop.started(login_hint=user, authorization_details=[LARGE], ui_locales=wish)
    (challenge,) = await phones[0].fetch()
    assert await phones[1].fetch() == [challenge]
    claims = claims_of(challenge)
    assert claims["locale"] == locale
    assert (claims["display"]["title"], claims["display"]["amount"]) == (title, amount)
    assert claims["payments"][0]["amount"] == "1234.50"
    assert (await phones[0].approve_next())["type"] == "accepted"


async def test_access_that_lasts_is_told_in_the_same_words(bank: RunningService, shop: WireClient):
    """What was approved in German is listed in German."""
    phone = await bank.enrolled_phone("carol")
    auth_req_id = await shop.started(
        login_hint="carol", scope="openid profile", authorization_details=[ACCOUNTS]
    )
    (challenge,) = await phone.fetch()
    display = claims_of(challenge)["display"]
    await phone.approve_next()
    assert (await shop.poll(auth_req_id)).status_code == 200
    access, _ = (await phone.send({"type": "list_accesses"})).json()["messages"]
    assert (
        access["shares"] == display["shares"][:-1] == ["Ihre Identität", "Ihr Name und Ihr Profil"]
    )
    assert access["details"] == display["details"]
    assert access["details"][0]["title"] == "Kontoinformationen"


async def test_a_simulated_phone_approves_a_german_payment(
    bank: RunningService, shop: WireClient, tmp_path: Path
):
    """It believes the amount as German writes it, and shows the words of the service."""
    state = await enrolled_state(bank, tmp_path / "phone")
    auth_req_id = await shop.started(authorization_details=[LARGE])
    screen = StringIO()
    done = await approve(
        transaction_id(auth_req_id),
        OneShotOptions(state=state, ca_file=None, json=False),
        surroundings(bank, screen),
        pin_file=None,
        verification_code=None,
    )
    assert done
    for text in ("Zahlung bestätigen", "1.234,50 EUR", "Ihre Identität"):
        assert text in screen.getvalue()
    assert (await shop.poll(auth_req_id)).status_code == 200
