"""The diagram, drawn from what was seen."""

from ciba_client.playground.diagram import Actor, Step, Tone, steps_of
from ciba_client.playground.journal import Journal
from ciba_client.playground.purposes import Purpose, purpose_of
from ciba_client.playground.record import Message, Notified, Seen, Told
from tests.unit.ciba_client.playground.exchanges import asked, entry, poll

BASIC = (("Authorization", "DPoP token"),)


def drawn(*seen: Seen) -> tuple[Step, ...]:
    """The diagram of these, in this order."""
    messages = [Message(number, each) for number, each in enumerate(seen, start=1)]
    return steps_of(messages, began_at=0.0)


def test_an_exchange_goes_there_and_back():
    """Who, what, what came back, when and how long."""
    (step,) = drawn(asked("/bc-authorize", {"request": "jwt"}, at=1.5))
    assert step == Step(
        sender=Actor.CLIENT,
        receiver=Actor.SERVICE,
        label=Purpose.REQUEST,
        detail="POST /bc-authorize",
        tone=Tone.GOOD,
        at=1.5,
        messages=(1,),
        answer="200 OK",
        took=0.25,
    )


def test_polls_that_are_told_the_same_are_one_step():
    """A slow_down among them, or a message of somebody else, parts them."""
    steps = drawn(
        poll("authorization_pending", 5),
        poll("authorization_pending", 10),
        poll("slow_down", 11),
        poll("authorization_pending", 20),
        Told(entry(1, "shown"), 22),
        poll("authorization_pending", 30),
    )
    assert [(step.label, step.count, step.messages) for step in steps] == [
        ("Token request", 2, (1, 2)),
        ("Token request", 1, (3,)),
        ("Token request", 1, (4,)),
        ("Shown to the user", 1, (5,)),
        ("Token request", 1, (6,)),
    ]
    assert {step.tone for step in steps} == {Tone.WAITING}


def test_what_came_later_stands_below_whenever_it_was_told():
    """The ledger tells of some things late."""
    steps = drawn(poll("authorization_pending", 5), Told(entry(2, "approved"), 4.0), poll("x", 4.5))
    assert [step.messages for step in steps] == [(2,), (3,), (1,)]


def test_notifications_come_from_the_service():
    """Pings, pushes of tokens and of errors, and how the endpoint was switched."""

    def notified(body: str, as_told: str | None = None, status: int | None = 204) -> Notified:
        exchange = asked("/ciba", {}, status=status)
        changed = {"request_body": body.encode(), "failure": "no answer"}
        return Notified(type(exchange)(**{**_members(exchange), **changed}), as_told)

    steps = drawn(
        notified('{"auth_req_id": "1"}', "500", 500),
        notified('{"auth_req_id": "1", "access_token": "t"}'),
        notified('{"auth_req_id": "1", "error": "access_denied"}', "reset", None),
        notified("nonsense", None, 599),
    )
    assert [(step.label, step.answer) for step in steps] == [
        ("Ping", "500, as switched"),
        ("Push: tokens", "204 No Content"),
        ("Push: access_denied", "no answer, as switched"),
        ("Ping", "599"),
    ]
    assert {(step.sender, step.receiver) for step in steps} == {(Actor.SERVICE, Actor.CLIENT)}


def _members(exchange: object) -> dict[str, object]:
    return {name: getattr(exchange, name) for name in exchange.__slots__}  # type: ignore[attr-defined]


def test_the_ledger_tells_of_the_phone_and_of_callbacks():
    """With the facts that are known; what is new is shown as such."""
    facts = {"attempt": 2, "status": 500, "again_at": 5.0}
    steps = drawn(
        Told(entry(1, "announced"), 1),
        Told(entry(2, "received"), 2),
        Told(entry(3, "callback_due", **facts), 3),
        Told(entry(4, "callback_abandoned", reason="refused"), 4),
        Told(entry(5, "other"), 5),
    )
    assert [(step.sender, step.receiver, step.detail) for step in steps] == [
        (Actor.SERVICE, Actor.PHONE, "ledger: announced"),
        (Actor.PHONE, Actor.SERVICE, "ledger: received"),
        (Actor.SERVICE, Actor.SERVICE, "attempt 2: 500, again in 2 s"),
        (Actor.SERVICE, Actor.SERVICE, "refused"),
        (Actor.SERVICE, Actor.SERVICE, "ledger: other"),
    ]


def test_what_has_no_answer_says_why():
    """And is bad."""
    (step,) = drawn(asked("/jwks", status=None))
    assert (step.answer, step.tone) == ("the provider cannot be reached", Tone.BAD)


def test_each_request_is_known_by_what_it_asks():
    """By its end of the address, its header, or its form."""
    purposes = {
        Purpose.DISCOVERY: asked("/.well-known/openid-configuration"),
        Purpose.KEYS: asked("/keys"),
        Purpose.RECEIPT_KEYS: asked("/sca-receipts/jwks"),
        Purpose.REQUEST: asked("/any", {"login_hint": "alice"}),
        Purpose.POLL: poll("x", 0),
        Purpose.REFRESH: asked("/token", {"grant_type": "refresh_token"}),
        Purpose.CANCEL: asked("/bc-authorize/cancel", {}),
        Purpose.RECEIPT: asked("/bc-authorize/receipt", {}),
        Purpose.INTROSPECTION: asked("/introspect", {"token": "t"}),
        Purpose.RESOURCE: asked("/userinfo", headers=BASIC),
    }
    assert {purpose: purpose_of(exchange) for purpose, exchange in purposes.items()} == {
        purpose: purpose for purpose in Purpose
    }
    assert drawn(purposes[Purpose.RESOURCE])[0].receiver is Actor.RESOURCE


def test_a_journal_drops_what_is_in_the_middle():
    """The beginning and the end stay, by number and by size."""
    journal = Journal(0.0)
    for number in range(300):
        journal.add(poll("authorization_pending", number))
    numbers = [each.number for each in journal.messages]
    assert numbers[:16] == list(range(1, 17))
    assert (len(numbers), numbers[-1], journal.left_out) == (240, 300, 60)
    assert journal.find(17) is None
    large = asked("/jwks", answer="x" * 1024 * 1024)
    for _ in range(5):
        journal.add(large)
    assert len(journal.messages) < 240
    assert journal.messages[-1].seen == large
    journal.add(Told(entry(1, "shown"), 1.0))
    journal.add(Notified(large, None))
    assert len(journal.exchanges()) == len(journal.messages) - 2
