"""What a client is told shows no secret when it is represented, in a log or a traceback say."""

import pytest

from ciba_service.flow.due.delivery import _Ping
from ciba_service.protocol.tokens.claims import TokenResponse
from ciba_service.protocol.tokens.push import PushedError, PushedTokens
from ciba_service.sca.messages import OrderAction, OrderCarriedOut, OrderProofs

SECRET = "not-to-be-seen"
TOLD = {"token_type": "Bearer", "expires_in": 300, "scope": "openid"}


@pytest.mark.parametrize(
    "told",
    [
        TokenResponse(access_token=SECRET, id_token=SECRET, refresh_token=SECRET, **TOLD),
        PushedTokens(access_token=SECRET, auth_req_id=SECRET, **TOLD),
        PushedError(error="access_denied", error_description="No.", auth_req_id=SECRET),
        _Ping(SECRET),
        OrderCarriedOut("jti", OrderAction.INVITE_DEVICE, activation_code=SECRET, expires_in=600),
        OrderProofs(jti="jti", pin_proof=SECRET, pin_key=SECRET),
    ],
    ids=lambda told: type(told).__name__,
)
def test_an_answer_is_masked(told: object):
    """Its kind can be seen, and what is secret cannot."""
    assert SECRET not in repr(told)
    assert type(told).__name__ in repr(told)
