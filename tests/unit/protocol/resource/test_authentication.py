"""How strongly and how lately a user must have approved (RFC 9470)."""

import pytest

from ciba_service.protocol.errors import InsufficientUserAuthenticationError
from ciba_service.protocol.resource.authentication import AuthenticationDemand
from ciba_service.protocol.tokens.bearer_challenge import bearer_challenge
from tests.contracts.store_builders import granted

GRANT = granted()
NOW = GRANT.auth_time


def refusal(demand: AuthenticationDemand, *, now: int = NOW) -> InsufficientUserAuthenticationError:
    """What a demand that is not met is answered."""
    with pytest.raises(InsufficientUserAuthenticationError) as refused:
        demand.verify(GRANT, now=now)
    return refused.value


def test_what_is_not_demanded_is_not_looked_at():
    """Any approval of any age will do."""
    AuthenticationDemand().verify(GRANT, now=NOW + 10**9)


@pytest.mark.clause("rfc9470-3-1")
def test_one_of_the_acr_values_is_enough():
    """Another one is refused, and told which."""
    AuthenticationDemand(acr_values=("other", GRANT.acr)).verify(GRANT, now=NOW)
    refused = refusal(AuthenticationDemand(acr_values=("one", "two")))
    assert (refused.error, int(refused.status_code)) == ("insufficient_user_authentication", 401)
    assert bearer_challenge(refused) == (
        'Bearer error="insufficient_user_authentication", '
        'error_description="The authentication of the user is too weak or too long ago.", '
        'acr_values="one two"'
    )


@pytest.mark.clause("rfc9470-3-2")
def test_an_approval_is_fresh_up_to_its_age():
    """To the second; the age is told as a whole number, also when it is none."""
    AuthenticationDemand(max_age=60).verify(GRANT, now=NOW + 60)
    refused = refusal(AuthenticationDemand(max_age=60), now=NOW + 61)
    assert bearer_challenge(refused).endswith(', max_age="60"')
    refused = refusal(AuthenticationDemand(max_age=0), now=NOW + 1)
    assert bearer_challenge(refused).endswith(', max_age="0"')


def test_everything_that_is_demanded_is_told():
    """Whichever was not met, so that one more approval is enough."""
    refused = refusal(AuthenticationDemand(acr_values=("one",), max_age=60))
    assert bearer_challenge(refused).endswith(', acr_values="one", max_age="60"')
