"""deploy/prepare.py: certificates for this machine, keys of clients, one configuration."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ciba_client.client_file import load_client, read_client_file
from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.settings import parse_settings
from tests.deployment.compose_files import ROOT
from tests.deployment.prepared import Places, prepare

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLIENTS = ("till", "terminal", "kiosk")
TEMPLATES = ("ciba.compose.toml", "ciba.tls.toml")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Empty places."""
    found = Places(*(tmp_path / name for name in ("tls", "playground", "configuration")))
    for each in (found.tls, found.playground, found.configuration):
        each.mkdir()
    return found


def made(places: Places, template: str = TEMPLATES[0], now: datetime = NOW) -> Places:
    """Places that were prepared."""
    prepare(ROOT / "deploy" / template, places, now=now)
    return places


def contents(places: Places) -> dict[Path, bytes]:
    """Everything that is there."""
    folders = (places.tls, places.playground, places.configuration)
    return {file: file.read_bytes() for folder in folders for file in folder.iterdir()}


def certificate(path: Path) -> x509.Certificate:
    """The one of a file."""
    return x509.load_pem_x509_certificate(path.read_bytes())


@pytest.mark.parametrize("template", TEMPLATES)
def test_service_and_clients_take_what_is_prepared(places: Places, template: str):
    """The configuration has the clients' keys, the clients its issuer, and no place is left."""
    made(places, template)
    text = (places.configuration / "ciba.toml").read_text("utf-8")
    settings = parse_settings(text, {})
    for name in CLIENTS:
        client = load_client(read_client_file(places.playground / f"{name}.toml"), warn=pytest.fail)
        assert client.issuer == settings.server.issuer
        assert client.key.kid in text
    assert {client.client_id for client in settings.clients} == set(CLIENTS)
    assert not [line for line in text.splitlines() if line.startswith("jwks = { keys = [] }")]


def test_what_is_there_stays(places: Places):
    """A second run, a day or a year after, changes nothing."""
    before = contents(made(places))
    assert contents(made(places, now=NOW + timedelta(days=360))) == before


def test_certificates_that_end_are_made_anew(places: Places):
    """A month before, all together, for nobody has the authority's key; clients keep theirs."""
    before = contents(made(places))
    after = contents(made(places, now=NOW + timedelta(days=370)))
    changed = {file.name for file, content in after.items() if before[file] != content}
    assert changed == {"server.pem", "server.key", "terminal.pem", "terminal.key", "ca.pem"}


@pytest.mark.parametrize("lost", ["tls/server.key", "playground/terminal.pem", "playground/ca.pem"])
def test_what_is_lost_is_made_anew(places: Places, tmp_path: Path, lost: str):
    """With all that hangs on it."""
    before = contents(made(places))
    (tmp_path / lost).unlink()
    after = contents(made(places))
    assert after.keys() == before.keys()
    assert after[places.configuration / "ca.pem"] != before[places.configuration / "ca.pem"]


def test_half_a_key_of_a_client_is_made_anew(places: Places):
    """A private key whose public half was not written down is of no use."""
    made(places)
    (places.playground / "till.public").unlink()
    before = (places.playground / "till.jwk").read_bytes()
    made(places)
    assert (places.playground / "till.jwk").read_bytes() != before


def test_secrets_are_for_their_owner_alone(places: Places):
    """Only the configuration and the authority's certificate may be read by others."""
    made(places)
    open_to_all = {
        file.name for file in contents(places) if stat.S_IMODE(file.stat().st_mode) & 0o077
    }
    assert open_to_all == {"ciba.toml", "ca.pem"}
    assert stat.S_IMODE((places.playground / "ca.pem").stat().st_mode) == 0o600


def test_whoever_trusts_the_authority_trusts_this_machine_only(places: Places):
    """It may sign for localhost and the name of nginx in its network, and its key is nowhere."""
    authority = certificate(made(places).configuration / "ca.pem")
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    named = {str(each.value) for each in limits.value.permitted_subtrees or ()}
    assert named == {"localhost", "nginx", "127.0.0.1/32"}
    private = [content for content in contents(places).values() if b"PRIVATE KEY" in content]
    assert len(private) == 2  # the server's and the client's


def test_the_server_can_speak_tls_1_2_as_fapi_has_it(places: Places):
    """For that its key is RSA."""
    assert isinstance(certificate(made(places).tls / "server.pem").public_key(), RSAPublicKey)


def test_the_service_believes_the_authority(places: Places):
    """As the one whose certificates authenticate clients."""
    made(places)
    assert TrustAnchors.parse((places.configuration / "ca.pem").read_bytes())
