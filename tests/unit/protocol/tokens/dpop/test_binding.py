"""What tokens are bound to, and that they are used in no weaker way."""

import msgspec
import pytest

from ciba_service.protocol.errors import InvalidDpopProofError, InvalidRequestError
from ciba_service.protocol.tokens.dpop.authorization import TokenScheme
from ciba_service.protocol.tokens.dpop.binding import (
    Binding,
    BindingPolicy,
    MisusedTokenError,
    token_binding,
    verify_use,
)
from ciba_service.protocol.tokens.dpop.proof import VerifiedProof

CERTIFICATE = "certificate-thumbprint"
PROOF = VerifiedProof(jkt="key", replay_id="once", keep_until=0)
OTHER_PROOF = VerifiedProof(jkt="other", replay_id="once", keep_until=0)
NOTHING = Binding()
TO_CERTIFICATE = Binding(certificate_thumbprint=CERTIFICATE)
TO_KEY = Binding(jkt="key")
TO_BOTH = Binding(certificate_thumbprint=CERTIFICATE, jkt="key")


# Rows: demanded by the profile, certificate registered, DPoP registered; columns: what comes with
# the request: nothing, a certificate, a proof, both.
@pytest.mark.clause("rfc8705-3.4-1", "rfc9449-5.2-1")
@pytest.mark.parametrize(
    ("registered", "outcomes"),
    [
        ("---", (NOTHING, NOTHING, TO_KEY, TO_KEY)),
        ("--d", ("proof", "proof", TO_KEY, TO_KEY)),
        ("-c-", ("certificate", TO_CERTIFICATE, "certificate", TO_BOTH)),
        ("-cd", ("proof", "proof", "certificate", TO_BOTH)),
        ("p--", ("certificate", TO_CERTIFICATE, TO_KEY, TO_KEY)),
        ("p-d", ("proof", "proof", TO_KEY, TO_KEY)),
        ("pc-", ("certificate", TO_CERTIFICATE, "certificate", TO_BOTH)),
        ("pcd", ("proof", "proof", "certificate", TO_BOTH)),
    ],
)
def test_a_token_is_never_issued_with_less_than_is_demanded(
    registered: str, outcomes: tuple[Binding | str, ...]
):
    """What must be bound and cannot be is refused with 400."""
    policy = BindingPolicy(
        demands_sender_constraint="p" in registered,
        certificate_bound="c" in registered,
        dpop_bound="d" in registered,
    )
    presented = ((None, None), (CERTIFICATE, None), (None, PROOF), (CERTIFICATE, PROOF))
    for (certificate, proof), outcome in zip(presented, outcomes, strict=True):
        if isinstance(outcome, Binding):
            bound = token_binding(policy, certificate_thumbprint=certificate, proof=proof)
            assert bound == outcome
            continue
        expected = {"proof": InvalidDpopProofError, "certificate": InvalidRequestError}[outcome]
        with pytest.raises(expected) as refused:
            token_binding(policy, certificate_thumbprint=certificate, proof=proof)
        assert refused.value.status_code == 400
        assert refused.value.__cause__ is not None


def test_client_and_operator_are_told_which_bindings_would_have_done():
    """A client of FAPI without a registered binding may present either."""
    for certificate_bound, told, lacking in (
        (
            True,
            "A client certificate that can be used is required.",
            "the client certificate is missing or unusable",
        ),
        (
            False,
            "A DPoP proof, or a client certificate that can be used, is required.",
            "neither a DPoP proof nor a usable client certificate is there",
        ),
    ):
        policy = BindingPolicy(
            demands_sender_constraint=True, certificate_bound=certificate_bound, dpop_bound=False
        )
        with pytest.raises(InvalidRequestError) as refused:
            token_binding(policy, certificate_thumbprint=None, proof=None)
        assert refused.value.description == told
        assert str(refused.value.__cause__) == lacking


@pytest.mark.parametrize(
    ("binding", "claim", "token_type", "is_bound"),
    [
        (NOTHING, {}, "Bearer", False),
        (TO_CERTIFICATE, {"x5t#S256": CERTIFICATE}, "Bearer", True),
        (TO_KEY, {"jkt": "key"}, "DPoP", True),
        (TO_BOTH, {"x5t#S256": CERTIFICATE, "jkt": "key"}, "DPoP", True),
    ],
)
def test_a_binding_is_written_as_the_cnf_claim(
    binding: Binding, claim: dict[str, str], token_type: str, *, is_bound: bool
):
    """Under the registered names, and read back as the same; a key makes the type DPoP."""
    written = msgspec.json.encode(binding)
    assert msgspec.json.decode(written) == claim
    assert msgspec.json.decode(written, type=Binding) == binding
    assert (binding.token_type, binding.is_bound) == (token_type, is_bound)


@pytest.mark.parametrize(
    ("binding", "scheme", "proof", "certificate"),
    [
        (NOTHING, TokenScheme.BEARER, None, None),
        (NOTHING, TokenScheme.BEARER, PROOF, CERTIFICATE),
        (TO_CERTIFICATE, TokenScheme.BEARER, None, CERTIFICATE),
        (TO_KEY, TokenScheme.DPOP, PROOF, None),
        (TO_KEY, TokenScheme.DPOP, PROOF, "some other"),
        (TO_BOTH, TokenScheme.DPOP, PROOF, CERTIFICATE),
    ],
)
def test_a_token_is_used_by_whom_it_is_bound_to(
    binding: Binding, scheme: TokenScheme, proof: VerifiedProof | None, certificate: str | None
):
    """With its own scheme, its key and its certificate; what it is not bound to is no matter."""
    verify_use(binding, scheme=scheme, proof=proof, certificate_thumbprint=certificate)


@pytest.mark.parametrize(
    ("binding", "scheme", "proof", "certificate"),
    [
        pytest.param(TO_KEY, TokenScheme.BEARER, None, None, id="downgraded"),
        pytest.param(TO_KEY, TokenScheme.BEARER, PROOF, None, id="downgraded-with-a-proof"),
        pytest.param(TO_BOTH, TokenScheme.BEARER, PROOF, CERTIFICATE, id="downgraded-from-both"),
        pytest.param(NOTHING, TokenScheme.DPOP, PROOF, None, id="bearer-as-DPoP"),
        pytest.param(TO_CERTIFICATE, TokenScheme.DPOP, PROOF, CERTIFICATE, id="mTLS-as-DPoP"),
        pytest.param(TO_KEY, TokenScheme.DPOP, OTHER_PROOF, None, id="another-key"),
        pytest.param(TO_CERTIFICATE, TokenScheme.BEARER, None, None, id="no-certificate"),
        pytest.param(TO_CERTIFICATE, TokenScheme.BEARER, None, "other", id="another-certificate"),
        pytest.param(TO_BOTH, TokenScheme.DPOP, PROOF, None, id="both-without-certificate"),
        pytest.param(TO_BOTH, TokenScheme.DPOP, OTHER_PROOF, CERTIFICATE, id="both-without-key"),
    ],
)
def test_a_token_that_is_somebody_elses_is_refused(
    binding: Binding, scheme: TokenScheme, proof: VerifiedProof | None, certificate: str | None
):
    """A bound token is no bearer token, a bearer token no bound one, a copy is nothing."""
    with pytest.raises(MisusedTokenError):
        verify_use(binding, scheme=scheme, proof=proof, certificate_thumbprint=certificate)


@pytest.mark.parametrize("binding", [TO_KEY, TO_BOTH])
def test_a_bound_token_without_a_proof_is_refused(binding: Binding):
    """The token alone opens nothing: invalid_dpop_proof."""
    with pytest.raises(InvalidDpopProofError):
        verify_use(binding, scheme=TokenScheme.DPOP, proof=None, certificate_thumbprint=CERTIFICATE)
