"""Whoever sends most waits behind itself."""

from hypothesis import given
from hypothesis import strategies as st

from ciba_service.protocol.admission.fair_queue import FairQueue


def filled(*items: str, room: int = 100) -> FairQueue[str]:
    """A queue in which these came in this order; the first letter is the key."""
    queue: FairQueue[str] = FairQueue()
    for item in items:
        queue.put(item[0], item, room)
    return queue


def emptied(queue: FairQueue[str]) -> list[str]:
    """All that wait, in turn."""
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_keys_take_turns():
    """A late one of a quiet key goes before the second of a loud one."""
    assert emptied(filled("a1", "a2", "a3", "b1", "c1", "c2")) == [
        "a1", "b1", "c1", "a2", "c2", "a3",
    ]  # fmt: skip


def test_nobody_waits_in_an_empty_queue():
    """And it says so."""
    queue = filled()
    assert queue.take() is None
    assert len(queue) == 0


def test_the_last_of_the_longest_line_goes_for_a_newcomer():
    """A full queue of one key's requests is no wall for another's."""
    queue = filled("a1", "a2", "a3")
    assert queue.has_room("b", 3)
    assert queue.put("b", "b1", 3) == "a3"
    assert emptied(queue) == ["a1", "b1", "a2"]


def test_nobody_takes_the_place_of_an_equal():
    """Who has as many waiting as anybody else finds the queue full."""
    queue = filled("a1", "a2", "b1")
    assert not queue.has_room("a", 3)
    assert not queue.has_room("b", 3)
    assert queue.has_room("c", 3)
    assert not filled("a1", "b1").has_room("c", 2)


def test_there_is_no_queue_without_room():
    """Nobody waits then."""
    assert not filled().has_room("a", 0)


def test_whoever_has_gone_waits_no_longer():
    """Its line goes with the last of it; what never waited is not missed."""
    queue = filled("a1", "a2", "b1")
    queue.discard("a", "a1")
    queue.discard("a", "a1")
    queue.discard("b", "b1")
    queue.discard("b", "b1")
    assert len(queue) == 1
    assert list(queue.heads()) == [("a", "a2")]
    assert emptied(queue) == ["a2"]


def test_room_may_shrink_below_what_waits():
    """Newcomers then push out the last one at a time, even a line of one."""
    queue = filled("a1")
    assert queue.put("b", "b1", 1) == "a1"
    assert emptied(queue) == ["b1"]


def test_those_who_are_about_to_wait_are_reckoned_with():
    """The loud one's fill the room before they are in the queue, but for the quiet one."""
    coming = {"a": 3}
    assert filled("a1").has_room("a", 5, coming=coming, beyond=3)
    assert not filled("a1").has_room("a", 4, coming=coming, beyond=3)
    assert filled("a1").has_room("b", 4, coming=coming, beyond=3)
    assert filled().has_room("b", 3, coming=coming, beyond=3)
    assert not filled("b1", "b2").has_room("b", 4, coming=coming, beyond=3)


@given(
    came=st.lists(st.sampled_from("aaaaaaab"), min_size=1, max_size=60),
    room=st.integers(min_value=2, max_value=20),
)
def test_a_quiet_key_always_gets_its_half(came: list[str], room: int):
    """However loud the other is, and in whatever order they come."""
    queue: FairQueue[int] = FairQueue()
    refused = []
    for number, key in enumerate(came):
        if not queue.has_room(key, room):
            refused.append(key)
            continue
        gone = queue.put(key, number, room)
        if gone is not None:
            refused.append(came[gone])
    assert len(queue) == min(room, len(came) - len(refused) if refused else len(came))
    quiet = came.count("b")
    if quiet <= room // 2:
        assert "b" not in refused
