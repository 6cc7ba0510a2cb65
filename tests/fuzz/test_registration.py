"""What clients register of themselves, and the key sets they publish."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from ciba_service.protocol.client.key_document import InvalidKeyDocumentError, parse_key_document
from ciba_service.protocol.client.logo import InvalidLogoError, parse_logo
from ciba_service.protocol.client.metadata import InvalidMetadataError
from ciba_service.protocol.client.offer import Offer
from ciba_service.protocol.client.registration.rules import RegistrationPolicy, client_of, register
from ciba_service.protocol.client.registration.software_statement import (
    StatementIssuer,
    with_software_statement,
)
from ciba_service.protocol.client.registration.update import verify_update
from ciba_service.protocol.errors import OAuth2Error
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.profiles import ProfileName
from tests.fuzz.budget import fuzzed
from tests.fuzz.hostile import RAW, compact, damaged, documents, outcome
from tests.png import header, png
from tests.wire.registration import metadata_of
from tests.wire.signing import new_key, public_jwk, sign

SAID = metadata_of(
    new_key(),
    backchannel_token_delivery_mode="ping",
    backchannel_client_notification_endpoint="https://shop.example/ping",
    tls_client_auth_subject_dn=None,
    scope="openid profile",
    authorization_details_types=["payment_initiation"],
)
MUTUAL = SAID | {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=shop,O=\\2c",
    "tls_client_certificate_bound_access_tokens": True,
}
POLICY = RegistrationPolicy(
    profile=ProfileName.CIBA_CORE,
    scope=frozenset({"openid", "profile"}),
    offer=Offer(
        takes_certificates=True,
        has_authorities=True,
        authorization_details_types=frozenset({"payment_initiation"}),
    ),
)
VOUCHER = new_key(kid="voucher")
ISSUERS = (
    StatementIssuer(
        "https://directory.example",
        KeySet.parse({"keys": [public_jwk(VOUCHER)]}),
        frozenset({SignatureAlgorithm.ES256}),
    ),
)
STATEMENT = {"iss": "https://directory.example", "iat": 1, "client_name": "Shop", "scope": "openid"}

take = outcome(register, InvalidMetadataError)


@fuzzed
@given(st.one_of(documents(SAID), documents(MUTUAL)))
@example(compact(SAID | {"client_name": "\u202e" * 50}))
@example(compact(SAID | {"scope": " " * 60_000}))
@example(compact(SAID | {"jwks": {"keys": [{}] * 10_000}}))
def test_metadata_are_registered_as_they_can_be_read_again_or_refused(body: bytes) -> None:
    """What was registered is written down, and is the same client when it is read."""
    members = outcome(parse_json_object, MalformedEncodingError)(body)
    if members is None:
        return
    outcome(verify_update, OAuth2Error, InvalidMetadataError)(members, client_id="c")
    made = take(members, client_id="c", policy=POLICY, notification_hosts=frozenset())
    if made is not None:
        kept = msgspec.json.decode(msgspec.json.encode(made.metadata), type=type(made.metadata))
        assert kept == made.metadata
        again = client_of(kept, client_id="c", profile=POLICY.profile)
        assert again.name == made.client.name


def test_the_metadata_that_are_altered_here_are_good_ones() -> None:
    """Otherwise they would be refused for another reason."""
    for said in (SAID, MUTUAL):
        assert register(said, client_id="c", policy=POLICY, notification_hosts=frozenset())


@fuzzed
@given(documents(STATEMENT))
def test_a_software_statement_says_what_its_issuer_signed_or_nothing(payload: bytes) -> None:
    """Whoever is believed here may be wrong; then it is told."""
    statement = sign({"alg": "ES256", "kid": "voucher"}, payload, VOUCHER)
    read = outcome(with_software_statement, OAuth2Error)
    members = read(
        SAID | {"software_statement": statement},
        issuers=ISSUERS,
        audiences=frozenset({"https://op.example"}),
        now=9.0,
    )
    if members is not None:
        take(members, client_id="c", policy=POLICY, notification_hosts=frozenset())


@fuzzed
@given(st.one_of(st.none(), st.text(max_size=20)), documents(SAID["jwks"]))
@example("application/json", compact({"keys": [public_jwk(new_key())] * 33}))
@example("application/jwk-set+json; x", compact({"keys": [{"kty": "EC"}] * 1_000}))
def test_a_published_key_set_is_usable_or_refused(content_type: str | None, body: bytes) -> None:
    """What stands behind a ``jwks_uri`` is anybody's."""
    read = outcome(parse_key_document, InvalidKeyDocumentError)
    read(content_type, body)
    document = read("application/json", body)
    assert document is None or 1 <= len(document.keys) <= 32


@fuzzed
@given(st.one_of(RAW, damaged(png())))
@example(png().replace(header(), header(2**31, 2**31)))
@example(png()[:8] + b"\xff\xff\xff\xffIHDR")
@example(png()[:8] + (b"\0\0\0\0AAAA" + b"\x1c\x0d\x7c\x8b") * 5_000)
def test_a_logo_is_a_small_picture_or_refused(content: bytes) -> None:
    """Nothing of a picture is decoded but its sizes."""
    logo = outcome(parse_logo, InvalidLogoError)(content)
    assert logo is None or logo.content == content
