"""What was asked, compressed."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ciba_service.ports import StoredRequest
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.messages import Factor
from ciba_service.stores.asking import transactions
from ciba_service.stores.asking.request_records import DICTIONARY, pack_request, unpack_request
from tests.contracts.store_builders import stored_request

HEADER = b'{"alg":"ES256","kid":"%s","typ":"ciba-challenge+jws"}'
PAYLOAD = (
    b'{"v":1,"iss":"https://bank.example","transaction_id":"%s","nonce":"%s","iat":1795299907,'
    b'"exp":1795300507,"locale":"en","display":{"title":"Confirm sign-in","client":"The Till",'
    b'"shares":["Your name"],"binding_message":"Till 7"},"factors":["device_key","pin"],'
    b'"scope":["openid","profile"]}'
)


def random_text(count: int) -> bytes:
    """Random bytes as base64url."""
    return base64url(os.urandom(count)).encode()


def usual_request() -> StoredRequest:
    """A sign-in, with a challenge as the service makes them."""
    parts = (
        HEADER % random_text(32),
        PAYLOAD % (random_text(16), random_text(32)),
        os.urandom(64),
    )
    return StoredRequest(
        subject="alice",
        scope=("openid", "profile"),
        acr="urn:openbanking:psd2:sca",
        factors=(Factor.DEVICE_KEY, Factor.PIN),
        challenge=".".join(map(base64url, parts)),
    )


@given(
    challenge=st.one_of(
        st.text(st.characters(codec="utf-8")),
        st.tuples(st.binary(), st.binary(), st.binary()).map(
            lambda parts: ".".join(map(base64url, parts))
        ),
    )
)
def test_a_challenge_comes_back_to_the_letter(challenge: str):
    """Its exact bytes are what a decision signs, whether it has the form of a JWS or not."""
    request = replace(stored_request(), challenge=challenge)
    assert unpack_request(pack_request(request)) == request


@pytest.mark.parametrize("changed", ["A.B.C", "AB.AA.AA", "AA==.AA.AA", "AA.AA.AA.AA", "AA. A.AA"])
def test_nothing_that_looks_alike_is_made_of_it(changed: str):
    """Left-over bits, padding and white space are kept as they are."""
    request = replace(stored_request(), challenge=changed)
    assert unpack_request(pack_request(request)).challenge == changed


@given(context=st.text(st.characters(codec="utf-8"), max_size=20_000))
def test_requests_of_any_size_come_back(context: str):
    """Also those that are longer than what is looked back at."""
    request = replace(stored_request(), subject=context, scope=(context, "openid", context))
    assert unpack_request(pack_request(request)) == request


def test_a_usual_request_takes_half_of_its_challenge():
    """What is the same in each costs next to nothing; random bytes cost what they are.

    There may be millions: a member that all of them have in common is to be a default.
    """
    request = usual_request()
    assert len(request.challenge) > 600
    assert len(pack_request(request)) < 285


def test_the_dictionary_is_part_of_the_format():
    """Whoever changes it gives records another number: what was written before cannot be read."""
    digest = hashlib.sha256(DICTIONARY).hexdigest()[:16]
    assert (transactions.RECORD_FORMAT, digest) == ("2", "bcde86860230ae0d")
