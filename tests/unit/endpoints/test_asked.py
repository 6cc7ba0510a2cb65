"""What a socket remembers of the requests it has shown."""

from ciba_service.endpoints.device.asked import MOST_ASKED, Asked
from ciba_service.sca.messages import Fetched, Withdrawn, WithdrawnReason


def test_what_was_shown_is_remembered_until_it_is_told_to_be_over():
    """Whether it was offered or listed."""
    asked = Asked()
    asked.offered("first")
    asked.note([Fetched(open=("second", "third"))])
    asked.note(
        [Withdrawn("second", WithdrawnReason.DECIDED), Withdrawn("x", WithdrawnReason.FAILED)]
    )
    assert asked.names == {"first", "third"}


def test_a_socket_that_lasts_for_months_remembers_the_last_ones():
    """Some are never told to be over: their records went before the word was made up for."""
    asked = Asked()
    for number in range(10 * MOST_ASKED):
        asked.offered(str(number))
    assert asked.names == {str(number) for number in range(9 * MOST_ASKED, 10 * MOST_ASKED)}
