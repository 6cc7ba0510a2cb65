"""What a resource answers when DPoP is missing or wrong (RFC 9449 7.1, 9)."""

from ciba_service.protocol.errors import InvalidDpopProofError, UseDpopNonceError
from ciba_service.protocol.tokens.dpop.challenge import dpop_challenge


def test_a_challenge_names_the_algorithms_and_the_error():
    """The error only when something was presented and failed."""
    assert dpop_challenge() == 'DPoP algs="ES256 EdDSA PS256"'
    assert dpop_challenge(InvalidDpopProofError()) == (
        'DPoP error="invalid_dpop_proof", '
        'error_description="The DPoP proof is missing or not valid.", '
        'algs="ES256 EdDSA PS256"'
    )


def test_a_demand_for_a_nonce_carries_it():
    """The body says use_dpop_nonce; the nonce stands in one header of its own."""
    status, body, headers = UseDpopNonceError("n-1")()
    assert (int(status), body["error"]) == (400, "use_dpop_nonce")
    assert [value for name, value in headers if name == "DPoP-Nonce"] == ["n-1"]
    assert 'error="use_dpop_nonce"' in dpop_challenge(UseDpopNonceError("n-1"))
