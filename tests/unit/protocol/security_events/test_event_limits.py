"""How many events are told one by one, and that the others are counted."""

from ciba_service.protocol.security_events.causes import Cause
from ciba_service.protocol.security_events.kinds import (
    Actor,
    ClientAuthenticationFailed,
    ClientRegistered,
    ClientRemoved,
    ClientReplaced,
    EventsSuppressed,
    InvalidDecision,
    PhoneEnrolled,
)
from ciba_service.protocol.security_events.limits import (
    MAXIMUM_SOURCES,
    MAXIMUM_SUMMARIES,
    OF_KIND,
    OF_SOURCE,
    WINDOW_MS,
    EventLimits,
)

NOW = 1_700_000_000_000


def failed(client_id: str | None = "till", peer: str | None = None) -> ClientAuthenticationFailed:
    """An event that strangers can cause."""
    return ClientAuthenticationFailed(cause=Cause.SIGNATURE, client_id=client_id, peer=peer)


def told(limits: EventLimits, count: int, event: ClientAuthenticationFailed, now: int = NOW) -> int:
    """How many of so many equal events are told."""
    return sum(limits.admits(event, now=now) for _ in range(count))


def test_one_source_is_told_so_often_and_then_counted():
    """Whoever repeats the same thing gets one line about all the rest, once the minute is over."""
    limits = EventLimits()
    assert told(limits, OF_SOURCE + 7, failed()) == OF_SOURCE
    assert limits.ended(now=NOW + WINDOW_MS - 1) == []
    assert limits.ended(now=NOW + WINDOW_MS) == [
        EventsSuppressed(of="client_authentication_failed", count=7, client_id="till")
    ]
    assert limits.ended(now=NOW + WINDOW_MS) == []


def test_another_source_is_told_as_well():
    """Nobody hides what others do behind what it does itself."""
    limits = EventLimits()
    told(limits, OF_SOURCE + 1, failed("noisy"))
    assert told(limits, 1, failed("quiet")) == 1


def test_a_new_minute_begins_anew():
    """A window that is over suppresses nothing more."""
    limits = EventLimits()
    told(limits, OF_SOURCE, failed())
    limits.ended(now=NOW + WINDOW_MS)
    assert told(limits, 1, failed(), NOW + WINDOW_MS) == 1
    assert limits.ended(now=NOW + 2 * WINDOW_MS) == []


def test_many_sources_together_are_bounded_too():
    """Whoever has many addresses fills no disk: of each kind so many are told in a minute."""
    limits = EventLimits()
    sources = (failed(None, f"2001:db8::{number:x}") for number in range(2 * OF_KIND))
    assert sum(limits.admits(event, now=NOW) for event in sources) == OF_KIND
    summaries = limits.ended(now=NOW + WINDOW_MS)
    assert sum(each.count for each in summaries) == OF_KIND
    assert len(summaries) == MAXIMUM_SUMMARIES + 1
    assert told(limits, 1, failed(None, "::1"), NOW + WINDOW_MS) == 1


def test_the_memory_for_sources_is_bounded():
    """Beyond so many sources the others of a kind are counted as one, without a name."""
    limits = EventLimits()
    for number in range(MAXIMUM_SOURCES + 5):
        limits.admits(failed(None, str(number)), now=NOW)
    first, *_ = limits.ended(now=NOW + WINDOW_MS)
    assert first == EventsSuppressed(of="client_authentication_failed", count=5)


def test_many_sources_of_one_kind_hide_no_source_of_another():
    """Whoever fills the memory with one kind of noise leaves other kinds told source by source."""
    limits = EventLimits()
    for number in range(5 * MAXIMUM_SOURCES):
        limits.admits(failed(None, str(number)), now=NOW)
    phones = [
        InvalidDecision(cause=Cause.SIGNATURE, device_id=str(each), user="tag", transaction_id="t")
        for each in range(2 * OF_SOURCE)
    ]
    assert all(limits.admits(event, now=NOW) for event in phones)


def test_a_client_that_replaces_its_metadata_again_and_again_is_told_within_bounds():
    """So with one that registers and removes itself: that costs it no more than a request."""
    limits = EventLimits()
    replaced = ClientReplaced(client_id="till")
    assert sum(limits.admits(replaced, now=NOW) for _ in range(2 * OF_SOURCE)) == OF_SOURCE
    for number in range(2 * OF_KIND):
        name = str(number)
        registered = ClientRegistered(client_id=name, granted_by="partner")
        removed = ClientRemoved(client_id=name, by=Actor.CLIENT)
        is_told = number < OF_KIND
        assert limits.admits(registered, now=NOW) is is_told
        assert limits.admits(removed, now=NOW) is is_told


def test_what_changes_an_account_is_always_told():
    """Enrolments, revocations and the like are as many as there are."""
    limits = EventLimits()
    enrolled = PhoneEnrolled(device_id="phone", user="tag")
    assert all(limits.admits(enrolled, now=NOW) for _ in range(OF_KIND + 1))
    assert limits.ended(now=NOW + WINDOW_MS) == []
