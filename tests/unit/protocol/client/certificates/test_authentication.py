"""Mutual TLS client authentication: which certificates prove a client, and the table of others."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ciba_service.protocol.client.certificates.anchors import TrustAnchors
from ciba_service.protocol.client.certificates.authentication import (
    parse_certificate_client,
    verify_client_certificate,
)
from ciba_service.protocol.client.certificates.certificate import (
    ClientCertificate,
    InvalidCertificateError,
    PresentedChain,
)
from ciba_service.protocol.client.certificates.self_signed import RegisteredCertificates
from ciba_service.protocol.client.certificates.subject import RegisteredSubject, SubjectMember
from ciba_service.protocol.errors import InvalidClientError
from tests.unit.protocol.client.certificates.authority import (
    CA,
    NOW,
    Authority,
    Extension,
    alternative,
    common_name,
    der,
    issue,
    key,
    key_usage,
    presented,
    purposes,
    self_signed,
)

TILL = RegisteredSubject.parse(SubjectMember.DN, "CN=till")
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
UNKNOWN: Extension = (
    x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    True,
)
SHA256_RSA, SHA1_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")


def limits(*permitted: x509.GeneralName, critical: bool = True) -> Extension:
    """Name constraints."""
    return x509.NameConstraints(list(permitted), None), critical


def path_length(length: int) -> Extension:
    """Basic constraints of an authority with so many authorities below it at most."""
    return x509.BasicConstraints(ca=True, path_length=length), True


def authenticate(
    chain: PresentedChain | None,
    root: Authority,
    *,
    rule: RegisteredSubject = TILL,
    now: float = NOW,
) -> ClientCertificate:
    """Authenticate as the service would, with one anchor."""
    return verify_client_certificate(chain, rule=rule, anchors=root.anchors, now=now)


def refuse(
    chain: PresentedChain | None,
    root: Authority,
    reason: str,
    *,
    rule: RegisteredSubject = TILL,
    now: float = NOW,
) -> None:
    """Hold that a chain proves nobody, and why: 401 invalid_client."""
    with pytest.raises(InvalidClientError) as refused:
        authenticate(chain, root, rule=rule, now=now)
    assert (refused.value.status_code, refused.value.error) == (401, "invalid_client")
    assert reason in str(refused.value.__cause__)


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param((), id="name-only"),
        pytest.param((purposes(CLIENT),), id="for-clients"),
        pytest.param((purposes(SERVER, CLIENT),), id="for-clients-too"),
        pytest.param((key_usage("digital_signature"),), id="signs"),
        pytest.param(
            ((x509.BasicConstraints(ca=False, path_length=None), True),), id="no-authority"
        ),
        pytest.param((alternative(x509.DNSName("till.example")),), id="with-dns-name"),
    ],
)
@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA-2048"])
def test_a_certificate_of_a_trusted_authority_proves_the_client(
    kind: str, extensions: tuple[Extension, ...]
):
    """A distinguished name suffices; no alternative name is demanded."""
    root = Authority.root()
    leaf = root.issue("till", key(kind), extensions=extensions)
    assert authenticate(presented(leaf), root).der == der(leaf)


def test_intermediates_lead_to_the_anchor():
    """They come with the handshake, in any order, the anchor itself perhaps among them."""
    root = Authority.root(extensions=[CA, key_usage("key_cert_sign")])
    upper = root.subordinate("upper", extensions=[path_length(1), purposes(CLIENT)])
    lower = upper.subordinate("lower", kind="RSA-2048", extensions=[path_length(0)])
    leaf, others = lower.issue(), (lower.certificate, upper.certificate)
    assert authenticate(presented(leaf, *others), root)
    assert authenticate(presented(leaf, *reversed(others), root.certificate), root)


def test_any_purpose_of_an_authority_includes_clients():
    """RFC 5280 4.2.1.12: anyExtendedKeyUsage limits nothing below it."""
    root = Authority.root()
    every = root.subordinate(
        "every", extensions=[CA, purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)]
    )
    assert authenticate(presented(every.issue(), every.certificate), root)


@pytest.mark.clause("rfc8705-7.4-1")
def test_only_configured_anchors_are_trusted():
    """Each of several, and nobody else, whatever the presented chain says of itself."""
    one, two, other = (Authority.root(name, owner=name) for name in ("one", "two", "other"))
    pem = b"".join(root.certificate.public_bytes(Encoding.PEM) for root in (one, two))
    anchors = TrustAnchors.parse(pem)
    for root in (one, two):
        chain = presented(root.issue())
        assert verify_client_certificate(chain, rule=TILL, anchors=anchors, now=NOW)
    with pytest.raises(InvalidClientError):
        verify_client_certificate(
            presented(other.issue(), other.certificate), rule=TILL, anchors=anchors, now=NOW
        )


@pytest.mark.clause("rfc8705-2-3")
def test_without_a_certificate_or_anchors_nobody_is_proved():
    """Neither lack lets anybody in."""
    root = Authority.root()
    refuse(None, root, "no client certificate")
    with pytest.raises(InvalidClientError) as refused:
        verify_client_certificate(presented(root.issue()), rule=TILL, anchors=None, now=NOW)
    assert "no trust anchors" in str(refused.value.__cause__)


@pytest.mark.clause("rfc8705-2-3", "rfc8705-2.1-1")
@pytest.mark.parametrize(
    ("member", "registered"),
    [
        (SubjectMember.DN, "CN=other-till"),
        (SubjectMember.DNS, "till"),
        (SubjectMember.EMAIL, "till@example.com"),
    ],
)
def test_a_trusted_certificate_of_somebody_else_is_refused(member: SubjectMember, registered: str):
    """The registered subject must be in it, in its own field."""
    root = Authority.root()
    rule = RegisteredSubject.parse(member, registered)
    refuse(presented(root.issue()), root, f"{member} is not in it", rule=rule)


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(("days", "reason"), [((-2, -1), "not valid at"), ((1, 2), "not valid at")])
def test_an_expired_or_future_certificate_is_refused(days: tuple[float, float], reason: str):
    """Dates are those of the request."""
    root = Authority.root()
    refuse(presented(root.issue(days=days)), root, reason)


@pytest.mark.clause("rfc8705-2.1-1")
def test_dates_of_authorities_count_too():
    """A chain is valid while all of it is."""
    root = Authority.root()
    leaf = root.issue(days=(-1, 90))
    assert authenticate(presented(leaf), root, now=NOW + 29 * 86_400)
    refuse(presented(leaf), root, "not valid at", now=NOW + 31 * 86_400)


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        pytest.param(purposes(SERVER), "lack clientAuth", id="server-only"),
        pytest.param(
            purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE),
            "lack clientAuth",
            id="any-purpose",
        ),
        pytest.param(key_usage("key_encipherment"), "digitalSignature", id="encipherment-only"),
        pytest.param(CA, "authority", id="an-authority"),
        pytest.param(UNKNOWN, "critical", id="unknown-critical-extension"),
    ],
)
def test_a_certificate_for_something_else_is_refused(extension: Extension, reason: str):
    """Purpose, usage and every critical extension must allow client authentication."""
    root = Authority.root()
    refuse(presented(root.issue(extensions=[extension])), root, reason)


@pytest.mark.clause("rfc8705-2.1-1")
@pytest.mark.parametrize(
    ("extensions", "reason"),
    [
        pytest.param([], "basicConstraints", id="no-basic-constraints"),
        pytest.param(
            [(x509.BasicConstraints(ca=False, path_length=None), True)], "cA", id="no-authority"
        ),
        pytest.param([CA, key_usage("digital_signature")], "keyCertSign", id="may-not-sign"),
        pytest.param([CA, purposes(SERVER)], "lack clientAuth", id="servers-only"),
        pytest.param([CA, UNKNOWN], "critical", id="unknown-critical-extension"),
        pytest.param(
            [CA, limits(x509.DirectoryName(common_name("shop")))], "directoryName", id="named"
        ),
        pytest.param(
            [CA, limits(x509.DirectoryName(common_name("shop")), critical=False)],
            "",
            id="named-not-critical",
        ),
        pytest.param([CA, limits(x509.DNSName("shop.example"))], "constraint", id="other-hosts"),
    ],
)
def test_an_intermediate_that_may_not_certify_this_is_refused(
    extensions: list[Extension], reason: str
):
    """A client's own certificate is no authority, and limits of an authority bind it."""
    root = Authority.root()
    between = root.subordinate("between", extensions=extensions)
    leaf = between.issue(extensions=[alternative(x509.DNSName("till.example"))])
    refuse(presented(leaf, between.certificate), root, reason)


@pytest.mark.clause("rfc8705-2.1-1")
def test_a_path_longer_than_an_authority_allows_is_refused():
    """By the anchor or by an intermediate."""
    root = Authority.root()
    short = Authority.root("short", owner="short", extensions=[path_length(0)])
    upper = root.subordinate("upper", extensions=[path_length(0)])
    lower = upper.subordinate("lower")
    refuse(presented(lower.issue(), lower.certificate, upper.certificate), root, "path length")
    below = short.subordinate("below")
    refuse(presented(below.issue(), below.certificate), short, "path length")


@pytest.mark.clause("rfc8705-2.1-1")
def test_a_missing_intermediate_is_refused():
    """It is never fetched."""
    root = Authority.root()
    between = root.subordinate("between")
    refuse(presented(between.issue()), root, "candidates exhausted")


@pytest.mark.clause("rfc8705-2.1-1")
def test_an_authority_of_the_same_name_is_another():
    """Names prove nothing: the anchor's key must have signed."""
    real, false = Authority.root(), Authority.root(owner="somebody else")
    assert real.name == false.name
    refuse(presented(false.issue()), real, "signature")
    refuse(presented(false.issue(), false.certificate), real, "")


@pytest.mark.clause("rfc8705-2.1-1")
def test_a_self_signed_certificate_of_the_right_name_is_refused():
    """Anybody can write a name."""
    refuse(presented(self_signed("till")), Authority.root(), "candidates exhausted")


@pytest.mark.clause("rfc8705-2.1-1")
def test_a_sha_1_signature_is_refused():
    """Even one that the anchor's key really made."""
    signing_key = key("RSA-2048", "old root")
    assert isinstance(signing_key, rsa.RSAPrivateKey)
    name = common_name("old root")
    own = issue(name, signing_key, issuer=name, signing_key=signing_key, extensions=[CA])
    root = Authority(name, signing_key, own)
    modern = root.issue()
    assert authenticate(presented(modern), root)
    content = modern.tbs_certificate_bytes.replace(SHA256_RSA, SHA1_RSA)
    signature = signing_key.sign(content, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303
    old = der(modern).replace(SHA256_RSA, SHA1_RSA).replace(modern.signature, signature)
    refuse(PresentedChain.parse([old]), root, "signature algorithm")


def maze() -> list[x509.Certificate]:
    """Authorities that all could have signed each other, and somebody below them."""
    name, own = common_name("maze"), key("RSA-2048", "maze")
    authorities = [
        issue(name, own, issuer=name, signing_key=own, extensions=[CA], days=(-1, 30 + number))
        for number in range(5)
    ]
    leaf = issue(common_name("till"), key(owner="client"), issuer=name, signing_key=own)
    return [leaf, *authorities]


def limited(by: Authority) -> list[x509.Certificate]:
    """A thousand names, and an authority below somebody with limits on a thousand others."""
    others = [x509.DNSName(f"{number}.b") for number in range(1_100)]
    limits = x509.NameConstraints(permitted_subtrees=None, excluded_subtrees=others)
    authority = by.subordinate("limited", extensions=[CA, (limits, True)])
    names = alternative(*(x509.DNSName(f"{number}.a") for number in range(1_100)))
    return [authority.issue(extensions=[names]), authority.certificate]


def test_authorities_of_strangers_are_not_searched():
    """Neither a maze nor their limits on names: the search would come to its own bounds, late."""
    refuse(presented(*maze()), Authority.root(), "candidates exhausted: all")
    refuse(presented(*limited(Authority.root(owner="x"))), Authority.root(), "candidates exhausted")


def test_who_is_no_authority_leads_nobody_to_the_anchor():
    """A client's own certificate signs what it wants; the limits in it are not looked at."""
    root, name = Authority.root(), common_name("shop")
    client = Authority(name, key(owner="shop"), root.issue(name, key(owner="shop")))
    refuse(presented(*limited(client), client.certificate), root, "candidates exhausted")


def test_the_reason_quotes_strangers_in_printable_ascii():
    """It goes to the log; a long or foreign name raises no warning on its way there."""
    leaf = issue(
        common_name("täuschung" * 20),
        key(owner="client"),
        issuer=common_name("nobody\nat all"),
        signing_key=key(owner="nobody"),
        days=(-2, -1),
    )
    with pytest.raises(InvalidClientError) as refused:
        authenticate(presented(leaf), Authority.root())
    assert str(refused.value.__cause__).isascii()
    assert str(refused.value.__cause__).isprintable()


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        self_signed("no authority").public_bytes(Encoding.PEM),
        self_signed(
            "no authority", extensions=[(x509.BasicConstraints(ca=False, path_length=None), True)]
        ).public_bytes(Encoding.PEM),
        self_signed("weak", kind="RSA-1024", extensions=[CA]).public_bytes(Encoding.PEM),
    ],
)
def test_an_anchor_that_could_never_serve_is_refused(pem: bytes):
    """A slip in configuration stops the start."""
    with pytest.raises(InvalidCertificateError):
        TrustAnchors.parse(pem)


@pytest.mark.clause("rfc8705-2.2-1")
def test_a_registered_self_signed_certificate_proves_the_client():
    """No chain is asked for, and none of the extensions matters."""
    certificate = self_signed(extensions=[CA, purposes(SERVER)])
    chain = presented(certificate)
    rule = RegisteredCertificates(frozenset({chain.leaf}))
    assert verify_client_certificate(chain, rule=rule, anchors=None, now=NOW) is chain.leaf


@pytest.mark.clause("rfc8705-2.2-1", "rfc8705-2-3")
def test_a_certificate_that_is_not_registered_is_refused():
    """Not one of the same key, not one of a trusted authority, and none when none is known."""
    root = Authority.root()
    registered = presented(self_signed()).leaf
    for stranger in (self_signed(days=(-1, 31)), self_signed(owner="other"), root.issue()):
        for known in (frozenset({registered}), frozenset[ClientCertificate]()):
            with pytest.raises(InvalidClientError) as refused:
                verify_client_certificate(
                    presented(stranger),
                    rule=RegisteredCertificates(known),
                    anchors=root.anchors,
                    now=NOW,
                )
            assert "not registered" in str(refused.value.__cause__)


@pytest.mark.parametrize(("days", "reason"), [((-2, -1), "expired"), ((1, 2), "not yet valid")])
def test_a_registered_certificate_out_of_its_dates_is_refused(
    days: tuple[float, float], reason: str
):
    """Its dates are part of what the client registered."""
    chain = presented(self_signed(days=days))
    rule = RegisteredCertificates(frozenset({chain.leaf}))
    with pytest.raises(InvalidClientError) as refused:
        verify_client_certificate(chain, rule=rule, anchors=None, now=NOW)
    assert reason in str(refused.value.__cause__)


@pytest.mark.clause("rfc8705-2-2")
def test_the_client_says_who_it_is():
    """The certificate is held against one client, which the form names."""
    assert parse_certificate_client({"client_id": "till"}) == "till"
    for form in ({}, {"client_id": ""}):
        with pytest.raises(InvalidClientError):
            parse_certificate_client(form)


@pytest.mark.parametrize("name", ["client_secret", "client_assertion", "client_assertion_type"])
def test_two_methods_at_once_are_refused(name: str):
    """RFC 6749 2.3: one method a request."""
    with pytest.raises(InvalidClientError):
        parse_certificate_client({"client_id": "till", name: "anything"})
