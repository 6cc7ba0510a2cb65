"""What is said of a request where it gets into a log or a traceback."""

import asyncio

from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.granting.held_polls import Patience
from ciba_service.flow.granting.token_request import TokenRequest
from ciba_service.protocol.tokens.dpop.binding import Binding
from tests.unit.protocol.registrations import registered, signer


def test_nothing_that_a_form_carries_is_said():
    """Neither assertions nor what they are exchanged for, only who sent it."""
    form = {"client_assertion": "secret", "auth_req_id": "secret"}
    sent = ClientRequest(form, certificates=(b"secret",), dpop=("secret",), peer="192.0.2.1")
    assert repr(sent) == "ClientRequest(peer='192.0.2.1')"
    request = TokenRequest(
        form=form,
        client=registered(signer()),
        binding=Binding(jkt="secret"),
        credentials=object(),  # nobody spends them here
        operation="secret",
        patience=Patience(None, asyncio.Event().wait),
    )
    assert repr(request) == "TokenRequest(client_id='till')"
