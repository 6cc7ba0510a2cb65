"""Clients that prove themselves, or hold their tokens, by a certificate (RFC 8705)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ciba_service.flow.clients.client_authentication import ClientAuthentication
from ciba_service.flow.clients.client_request import ClientRequest
from ciba_service.flow.clients.dpop_proofs import DpopProofs
from ciba_service.flow.clients.published_keys import PublishedKeys
from ciba_service.flow.clients.sender_constraint import SenderConstraint
from ciba_service.ports import ClientKeysUnavailable, ReplayKind
from ciba_service.protocol.client.assertion import Audiences
from ciba_service.protocol.client.certificates.certificate import ClientCertificate
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.metadata import Client, register_client
from ciba_service.protocol.errors import InvalidClientError, InvalidRequestError
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.tokens.dpop.http_uri import parse_http_uri
from ciba_service.stores.clients.configured import ConfiguredClients
from tests.fake_clock import FakeClock
from tests.services.recording_telemetry import RecordingTelemetry
from tests.unit.protocol.client.certificates.authority import NOW, Authority
from tests.unit.protocol.registrations import ISSUER, signer
from tests.wire.client import WireClient

ROOT = Authority.root()
CERTIFICATE = ROOT.issue("till").public_bytes(Encoding.DER)
BY_NAME = {
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_subject_dn": "CN=till",
}


class Replays:
    """Remembers what was used."""

    def __init__(self) -> None:
        self.used: set[tuple[str, ...]] = set()

    async def reserve(
        self,
        kind: ReplayKind,
        owner: str,
        identifier: str,
        *,
        operation: str,  # noqa: ARG002 - each use is another
        until: int,  # noqa: ARG002 - nothing is forgotten here
    ) -> bool:
        """Claim it."""
        name = (kind, owner, identifier)
        is_fresh = name not in self.used
        self.used.add(name)
        return is_fresh


class Nowhere:
    """``ports.ClientKeys`` of clients that publish none."""

    async def find_keys(self, client_id: str, *_: object, **__: object) -> KeySet:
        """Nothing."""
        raise ClientKeysUnavailable(client_id)

    async def find_certificates(
        self, client_id: str, *_: object, **__: object
    ) -> RegisteredCertificates:
        """Nothing."""
        raise ClientKeysUnavailable(client_id)


@pytest.fixture
def clock() -> FakeClock:
    """The time at which the certificates are good."""
    clock = FakeClock()
    clock.advance(NOW - clock.now())
    return clock


def wire(**metadata: Any) -> WireClient:
    """A client of that registration."""
    return signer(**metadata)


def authentication(client: WireClient, clock: FakeClock) -> ClientAuthentication:
    """The step, for a service that knows one client and one authority."""
    client.clock = clock
    return ClientAuthentication(
        clients=ConfiguredClients([register_client(client.registration())]),
        published=PublishedKeys(Nowhere()),
        replays=Replays(),
        audiences=Audiences(ISSUER, frozenset()),
        anchors=ROOT.anchors,
        clock=clock,
        events=RecordingTelemetry(),
    )


async def test_a_certificate_proves_its_client(clock: FakeClock):
    """Its registered subject under the configured authority is enough, as often as it comes."""
    step = authentication(wire(**BY_NAME), clock)
    verified = await step.verify(ClientRequest({"client_id": "till"}, (CERTIFICATE,)))
    assert verified.client.client_id == "till"
    for _ in range(2):
        await step.consume(verified, operation="one")


@pytest.mark.parametrize(
    ("form", "certificates"),
    [
        ({"client_id": "till"}, ()),
        ({"client_id": "till"}, (ROOT.issue("other").public_bytes(Encoding.DER),)),
        ({"client_id": "till"}, (b"no certificate",)),
        ({"client_id": "nobody"}, (CERTIFICATE,)),
        ({}, (CERTIFICATE,)),
        ({"client_id": "till", "client_secret": "secret"}, (CERTIFICATE,)),
    ],
    ids=["none", "other subject", "broken", "unknown client", "no client", "two methods"],
)
@pytest.mark.clause("rfc8705-2-2")
async def test_what_does_not_prove_the_client_is_refused(
    clock: FakeClock, form: dict[str, str], certificates: tuple[bytes, ...]
):
    """401 invalid_client, whatever is wrong."""
    step = authentication(wire(**BY_NAME), clock)
    with pytest.raises(InvalidClientError):
        await step.verify(ClientRequest(form, certificates))


@pytest.mark.clause("fapi2-sp-5.3.2.1-6")
async def test_a_client_uses_the_method_it_registered(clock: FakeClock):
    """An assertion does not stand in for a certificate, nor a certificate for an assertion."""
    certified, signing = wire(**BY_NAME), wire()
    step = authentication(certified, clock)
    with pytest.raises(InvalidClientError):
        await step.verify(ClientRequest(certified.credentials(), (CERTIFICATE,)))
    step = authentication(signing, clock)
    with pytest.raises(InvalidClientError):
        await step.verify(ClientRequest({"client_id": "till"}, (CERTIFICATE,)))
    verified = await step.verify(ClientRequest(signing.credentials()))
    assert verified.client.client_id == "till"


@pytest.fixture
def constraint(clock: FakeClock) -> SenderConstraint:
    """The step that finds what tokens are bound to."""
    addresses = frozenset({parse_http_uri(f"{ISSUER}/token")})
    proofs = DpopProofs(replays=Replays(), addresses=addresses, nonces=None, clock=clock)
    return SenderConstraint(proofs=proofs, clock=clock, events=RecordingTelemetry())


def registered(**metadata: Any) -> Client:
    """What the service knows of a client."""
    return register_client(wire(**metadata).registration())


@pytest.mark.clause("rfc8705-3.1-1", "fapi2-sp-5.3.2.1-5")
async def test_a_token_is_bound_to_the_certificate_of_the_connection(constraint: SenderConstraint):
    """Its thumbprint is what the token will name; there is no proof to spend."""
    verified = constraint.verify(ClientRequest({}, (CERTIFICATE,)), registered(profile="fapi-ciba"))
    assert (
        verified.binding.certificate_thumbprint == ClientCertificate.parse(CERTIFICATE).thumbprint
    )
    await constraint.consume(verified, operation="one")


@pytest.mark.clause("fapi2-sp-5.3.2.1-4")
@pytest.mark.parametrize(
    "certificates",
    [(), (b"broken",), (ROOT.issue("till", days=(-9, -1)).public_bytes(Encoding.DER),)],
    ids=["none", "broken", "expired"],
)
@pytest.mark.parametrize("profile", ["fapi-ciba", "fapi2-ciba"])
def test_whoever_must_be_bound_gets_nothing_without_one(
    constraint: SenderConstraint, profile: str, certificates: tuple[bytes, ...]
):
    """400 invalid_request before anything about the transaction is told."""
    with pytest.raises(InvalidRequestError):
        constraint.verify(ClientRequest({}, certificates), registered(profile=profile))


@pytest.mark.parametrize("certificates", [(), (b"broken",), (CERTIFICATE,)])
def test_whoever_need_not_be_bound_may_show_anything(
    constraint: SenderConstraint, certificates: tuple[bytes, ...]
):
    """A certificate that was not registered for binding binds nothing."""
    verified = constraint.verify(ClientRequest({}, certificates), registered())
    assert not verified.binding.is_bound
