"""A key is known before it signs, and kept until nothing it signed can count."""

import pytest

from ciba_service.protocol.jose.life_cycle import (
    KeyLife,
    KeyState,
    TooEarlyError,
    is_needed,
    rotated,
    token_keys_kept,
)

NOW = 1_800_000_000_000
DAY = 86_400


def life(state: KeyState, seconds_ago: int) -> KeyLife:
    """A key that is in a state for so long."""
    return KeyLife(state, NOW - seconds_ago * 1000)


def test_the_next_key_signs_and_the_active_one_retires():
    """What is retired stays so, and for each change the instant is noted."""
    assert rotated(life(KeyState.NEXT, 600), now=NOW) == KeyLife(KeyState.ACTIVE, NOW)
    assert rotated(life(KeyState.ACTIVE, 0), now=NOW) == KeyLife(KeyState.RETIRED, NOW)
    assert rotated(life(KeyState.RETIRED, 5), now=NOW) == life(KeyState.RETIRED, 5)


def test_no_change_is_older_than_the_one_before():
    """Whatever the clock says by now."""
    later = life(KeyState.ACTIVE, -60)
    assert rotated(later, now=NOW) == KeyLife(KeyState.RETIRED, later.since)
    later = life(KeyState.NEXT, -60)
    assert rotated(later, now=NOW, at_once=True) == KeyLife(KeyState.ACTIVE, later.since)


@pytest.mark.parametrize(("seconds_ago", "missing"), [(0, 600), (1, 599), (599, 1)])
def test_a_key_that_is_not_known_to_everybody_does_not_sign(seconds_ago: int, missing: int):
    """Ten minutes must pass: whoever keeps the key set for five has it then. It can be forced."""
    young = life(KeyState.NEXT, seconds_ago)
    with pytest.raises(TooEarlyError, match=f"for {missing} seconds more") as early:
        rotated(young, now=NOW)
    assert early.value.seconds == missing
    assert rotated(young, now=NOW, at_once=True).state is KeyState.ACTIVE


@pytest.mark.parametrize(
    ("access", "id_token", "hint", "seconds"),
    [
        (300, 300, 90 * DAY, 300 + 90 * DAY + 3600),
        (3600, 300, 0, 3600 + 3600),
        (300, 3600, DAY, 3600 + DAY + 3600),
    ],
)
def test_a_retired_key_is_kept_as_long_as_what_it_signed_counts(
    access: int, id_token: int, hint: int, seconds: int
):
    """ID tokens as hints or access tokens, whichever lives longer, and an hour; then it goes."""
    kept = token_keys_kept(
        access_token_lifetime=access, id_token_lifetime=id_token, id_token_hint_lifetime=hint
    )
    assert is_needed(life(KeyState.RETIRED, seconds - 1), kept=kept, now=NOW)
    assert not is_needed(life(KeyState.RETIRED, seconds), kept=kept, now=NOW)


@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.ACTIVE])
def test_a_key_that_may_sign_is_never_dropped(state: KeyState):
    """However old it is."""
    assert is_needed(life(state, 4000 * DAY), kept=300, now=NOW)
