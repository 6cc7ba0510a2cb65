"""What a host gives is asked in time, and believed only as far as it can be true."""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, cast

import pytest

from ciba_service.ports import (
    ClientRegistry,
    FailureReason,
    Outbound,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    SignerUnavailable,
    StoreUnavailable,
    TokenIssuer,
    User,
    UserDirectory,
)
from ciba_service.protocol.client.metadata import Client, register_client
from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.hints import IdentifierKind, UserIdentifier
from ciba_service.protocol.tokens.claims import IdTokenClaims
from ciba_service.wiring.host_ports import HostClients, HostNotifier, HostTokens, HostUsers
from tests.wire.client import WireClient

ALICE = UserIdentifier(IdentifierKind.NAME, "alice")
Answer = Callable[[], Any]


class Part:
    """Every port of a host, and the same answer for all that is asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def find(self, _: object) -> Any:
        """Of a directory, and of a registry."""
        return self._answer()

    find_subject = find

    def send(self, _: object) -> Any:
        """Of a notifier."""
        return self._answer()

    def id_token(self, _: object, __: object) -> Any:
        """Of an issuer."""
        return self._answer()


def users(answer: Answer) -> HostUsers:
    """A directory that answers so."""
    return HostUsers(cast("UserDirectory", Part(answer)), 5.0)


def clients(answer: Answer) -> HostClients:
    """A registry that answers so."""
    return HostClients(cast("ClientRegistry", Part(answer)), 5.0)


def tokens(answer: Answer) -> HostTokens:
    """An issuer that answers so."""
    return HostTokens(cast("TokenIssuer", Part(answer)), 5.0)


def later(value: object) -> Answer:
    """The answer of a coroutine."""

    async def answering() -> object:
        return value

    return answering


def fails_at_once() -> NoReturn:
    """What a function does that is none to be awaited."""
    raise ConnectionError("alice is none of your business")


async def gives_up() -> NoReturn:
    """A task of the host's own was cancelled."""
    raise asyncio.CancelledError


NO_ANSWERS = {
    "fails at once": fails_at_once,
    "is not awaited": lambda: User("alice"),
    "gives up": gives_up,
    "a row": later({"sub": "alice", "client_id": "till"}),
    "a number": later(7),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_an_answer_that_is_none_is_unavailable(answer: Answer):
    """Whichever part of the host it comes from; and what it says of users is not repeated."""
    for asking, unavailable in (
        (users(answer).find(ALICE), StoreUnavailable),
        (users(answer).find_subject("alice"), StoreUnavailable),
        (clients(answer).find("till"), StoreUnavailable),
        (
            tokens(answer).id_token(cast("IdTokenClaims", None), cast("Client", None)),
            SignerUnavailable,
        ),
    ):
        with pytest.raises(unavailable) as told:
            await asking
        assert "alice" not in str(told.value)


def notified(deadline: float) -> OutboundRequest:
    """A callback."""
    url = "https://till.example/ping"
    return OutboundRequest.notify(url, authorization="Bearer x", body=b"{}", deadline=deadline)


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
async def test_a_notifier_without_an_answer_has_failed(answer: Answer):
    """It is tried again, and nothing of what it raised is told."""
    told = await HostNotifier(cast("Outbound", Part(answer))).send(notified(5.0))
    assert isinstance(told, OutboundFailure)
    assert "alice" not in told.detail


@pytest.mark.parametrize(
    "answered",
    [
        OutboundResponse(status=cast("int", "204")),
        OutboundResponse(status=429, retry_after=cast("str", 30)),
        OutboundFailure(cast("FailureReason", "timeout"), "late"),
    ],
    ids=["status", "retry_after", "reason"],
)
async def test_what_cannot_be_judged_is_an_attempt_that_failed(
    answered: OutboundResponse | OutboundFailure,
):
    """It counts as one: else the client would be called without end."""
    told = await HostNotifier(cast("Outbound", Part(later(answered)))).send(notified(5.0))
    assert isinstance(told, OutboundFailure)
    assert told.reason is FailureReason.PROTOCOL_ERROR


async def test_a_notifier_that_never_answers_gives_its_place_back():
    """There are only so many places for callbacks."""
    notifier = HostNotifier(cast("Outbound", Part(lambda: asyncio.Event().wait())))
    told = await notifier.send(notified(0.01))
    assert isinstance(told, OutboundFailure)
    assert told.reason == "timeout"


async def test_what_a_notifier_answers_is_taken():
    """Whatever its status."""
    answered = OutboundResponse(status=503)
    assert (
        await HostNotifier(cast("Outbound", Part(later(answered)))).send(notified(5.0)) is answered
    )


async def test_the_state_of_one_user_is_not_that_of_another():
    """Whoever answers with somebody else opens no gate."""
    directory = users(later(User("bob")))
    with pytest.raises(StoreUnavailable):
        await directory.find_subject("alice")
    assert await directory.find_subject("bob") == User("bob")
    assert await directory.find(ALICE) == User("bob")


@pytest.mark.parametrize("subject", ["", "a" * 256, "\ud800", "a\0b", 4711, None])
async def test_a_subject_is_a_text_that_tokens_can_name(subject: Any):
    """Not empty, not without end, and without what cannot be written or shown."""
    with pytest.raises(StoreUnavailable):
        await users(later(User(subject))).find(ALICE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"enabled": "false"},
        {"enabled": None},
        {"claims": {"name": "Alice"}},
        {"user_code": "1234"},
        {"locale": "xx"},
        {"locale": None},
    ],
    ids=str,
)
async def test_a_user_is_one_in_every_member(wrong: dict[str, Any]):
    """Before anybody is asked: what broke at the last step would cost the user an approval."""
    directory = users(later(User("alice", **wrong)))
    for asking in (directory.find(ALICE), directory.find_subject("alice")):
        with pytest.raises(StoreUnavailable, match="no user"):
            await asking


async def test_members_of_a_user_may_come_as_databases_have_them():
    """A number for a truth, and the name of a language."""
    row = User("alice", enabled=cast("bool", 0), locale=cast("Locale", "de"))
    assert await users(later(row)).find_subject("alice") is row


async def test_a_client_is_the_one_that_was_asked_for(till: WireClient):
    """A database that compares without case knows no client of another name."""
    client = register_client(till.registration())
    registry = clients(later(client))
    assert await registry.find("till") is client
    assert await registry.find("TILL") is None
    assert await clients(later(None)).find("till") is None
