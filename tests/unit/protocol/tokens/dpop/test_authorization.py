"""How an access token is presented to a resource: one header, one of two schemes."""

import pytest

from ciba_service.protocol.errors import InvalidRequestError
from ciba_service.protocol.tokens.dpop.authorization import (
    PresentedToken,
    TokenScheme,
    parse_authorization,
)


@pytest.mark.parametrize(
    ("line", "scheme"),
    [
        ("Bearer abc.D-E_F~+/9==", TokenScheme.BEARER),
        ("bearer abc.D-E_F~+/9==", TokenScheme.BEARER),
        ("DPoP abc.D-E_F~+/9==", TokenScheme.DPOP),
        ("DPOP   abc.D-E_F~+/9==", TokenScheme.DPOP),
    ],
)
def test_a_token_is_taken_from_its_header(line: str, scheme: TokenScheme):
    """Bearer and DPoP, in any case, and the token as it is; it stands in no repr."""
    presented = parse_authorization([line])
    assert presented == PresentedToken(scheme, "abc.D-E_F~+/9==")
    assert "abc" not in repr(presented)


@pytest.mark.parametrize(
    "lines",
    [[], [""], [" "], ["Basic dGlsbDpzZWNyZXQ="], ["Bearer\ttoken"], ["token"], ["Bearer,DPoP x"]],
)
def test_without_a_known_scheme_nothing_is_presented(lines: list[str]):
    """That is a challenge without an error, not a malformed request."""
    assert parse_authorization(lines) is None


@pytest.mark.clause("rfc6750-2-1")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["Bearer a", "Bearer a"], id="twice"),
        pytest.param(["DPoP a", "Bearer a"], id="two-schemes"),
        pytest.param(["Basic YTpi", "Bearer a"], id="two-methods"),
        pytest.param(["Bearer"], id="no-token"),
        pytest.param(["DPoP "], id="only-a-space"),
        pytest.param(["Bearer a b"], id="two-tokens"),
        pytest.param(["Bearer a, DPoP b"], id="joined-headers"),
        pytest.param(["Bearer a "], id="trailing-space"),
        pytest.param(["Bearer a\n"], id="line-feed"),
        pytest.param(["Bearer \ta"], id="tab"),
        pytest.param(["Bearer =a"], id="equals-first"),
        pytest.param(["Bearer a=b"], id="equals-inside"),
        pytest.param(['Bearer "a"'], id="quoted"),
        pytest.param(["Bearer ä"], id="not-ascii"),
        pytest.param(["Bearer a%20"], id="percent"),
        pytest.param(["Bearer " + "a" * 8193], id="too-long"),
    ],
)
def test_a_malformed_header_is_refused(lines: list[str]):
    """One header with one token of the characters that tokens have: 400 invalid_request."""
    with pytest.raises(InvalidRequestError) as refused:
        parse_authorization(lines)
    assert refused.value.status_code == 400
    assert refused.value.__cause__ is not None


def test_a_long_token_is_taken():
    """Eight kibibytes are still one."""
    presented = parse_authorization(["Bearer " + "a" * 8192])
    assert presented is not None
    assert len(presented.text) == 8192
