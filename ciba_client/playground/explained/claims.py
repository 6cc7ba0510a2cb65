"""What each claim and header member says, and where it is defined."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

__all__ = ["CLAIMS", "HEADER", "Explanation", "explain_claim", "explain_header"]

_JWT: Final = "RFC 7519"
_CORE: Final = "OpenID Connect Core 1.0"
_CIBA: Final = "CIBA Core 1.0"
_DPOP: Final = "RFC 9449"
_RAR: Final = "RFC 9396"
_JWS: Final = "RFC 7515"
_RECEIPT: Final = "SCA receipt of this service"


class Explanation(msgspec.Struct, frozen=True):
    """One sentence, and the clause it stands in; all empty where nothing is known."""

    text: str = ""
    specification: str = ""
    section: str = ""


_UNKNOWN: Final = Explanation("An extension; this page knows nothing of it.")

HEADER: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "alg": Explanation("The algorithm of the signature; never none.", _JWS, "4.1.1"),
        "typ": Explanation(
            "What kind of token this is, so that it cannot be taken for another.",
            "RFC 8725",
            "3.11",
        ),
        "kid": Explanation("Which of the signer's published keys verifies it.", _JWS, "4.1.4"),
        "jwk": Explanation("The public key itself that the proof was signed with.", _DPOP, "4.2"),
    }
)

CLAIMS: Final[Mapping[str, Explanation]] = MappingProxyType(
    {
        "iss": Explanation("Who made and signed this.", _JWT, "4.1.1"),
        "sub": Explanation("Whom it is about: the user, or the client itself.", _JWT, "4.1.2"),
        "aud": Explanation("Whom it is for; anybody else has to refuse it.", _JWT, "4.1.3"),
        "exp": Explanation("From this second on it counts no more.", _JWT, "4.1.4"),
        "nbf": Explanation("Before this second it does not count yet.", _JWT, "4.1.5"),
        "iat": Explanation("When it was made.", _JWT, "4.1.6"),
        "jti": Explanation("Its own name, so that it can be used only once.", _JWT, "4.1.7"),
        "azp": Explanation("The client it was issued to, among several audiences.", _CORE, "2"),
        "client_id": Explanation("The client it was issued to.", "RFC 9068", "2.2"),
        "scope": Explanation("What is asked for, or was granted.", "RFC 6749", "3.3"),
        "login_hint": Explanation("Whom to ask, by a name of the user.", _CIBA, "7.1"),
        "login_hint_token": Explanation("Whom to ask, by a token of a third party.", _CIBA, "7.1"),
        "id_token_hint": Explanation("Whom to ask, by an earlier ID token.", _CIBA, "7.1"),
        "binding_message": Explanation(
            "Shown on both devices, so that the user sees that they belong together.", _CIBA, "7.1"
        ),
        "user_code": Explanation(
            "A secret of the user that keeps strangers from asking.", _CIBA, "7.1"
        ),
        "requested_expiry": Explanation(
            "For how many seconds the request should be open.", _CIBA, "7.1"
        ),
        "client_notification_token": Explanation(
            "The bearer token that the provider shows when it calls this client back.", _CIBA, "7.1"
        ),
        "acr_values": Explanation("Wanted strengths of authentication, best first.", _CIBA, "7.1"),
        "acr": Explanation("How strongly the user was authenticated.", _CORE, "2"),
        "amr": Explanation("By which methods: pop, pin, otp, mfa.", "RFC 8176", "2"),
        "auth_time": Explanation("When the user decided.", _CORE, "2"),
        "at_hash": Explanation(
            "Half the hash of the access token: the two belong together.", _CORE, "3.1.3.6"
        ),
        "urn:openid:params:jwt:claim:rt_hash": Explanation(
            "Half the hash of the refresh token that was pushed with it.", _CIBA, "10.3.1"
        ),
        "urn:openid:params:jwt:claim:auth_req_id": Explanation(
            "The request that this push answers.", _CIBA, "10.3.1"
        ),
        "txn": Explanation(
            "Names the transaction in tokens, logs and evidence; no secret.", "RFC 8417", "2.2"
        ),
        "authorization_details": Explanation(
            "Exactly what was asked for or granted: amount, payee, accounts.", _RAR, "2"
        ),
        "request_context": Explanation(
            "About the consumption device and its surroundings.", "FAPI-CIBA", "6.2"
        ),
        "cnf": Explanation(
            "The key, or certificate, that must be shown with it (jkt, x5t#S256).", "RFC 7800", "3"
        ),
        "htm": Explanation("The HTTP method that this proof is for.", _DPOP, "4.2"),
        "htu": Explanation("The address that this proof is for, without its query.", _DPOP, "4.2"),
        "ath": Explanation("The hash of the access token that it goes with.", _DPOP, "4.2"),
        "nonce": Explanation("The server's own word, so that the proof is fresh.", _DPOP, "8"),
        "challenge_hash": Explanation(
            "The hash of the challenge that the phone signed: the dynamic link.",
            "PSD2 RTS",
            "art. 5",
        ),
        "claims": Explanation("Claims asked for one by one.", _CORE, "5.5"),
        "resource": Explanation("The resource the token is wanted for.", "RFC 8707", "2"),
        "decision_hash": Explanation(
            "The hash of the phone's signed decision.", _RECEIPT, "claims"
        ),
        "display_hash": Explanation("The hash of the text that was shown.", _RECEIPT, "claims"),
        "locale": Explanation("The language in which it was shown.", _RECEIPT, "claims"),
        "payments": Explanation("The payments that were approved.", _RECEIPT, "claims"),
        "device": Explanation("The phone, by a name for this client alone.", _RECEIPT, "claims"),
        "available_until": Explanation("Until when it can be had.", _RECEIPT, "claims"),
        "name": Explanation("The user's full name.", _CORE, "5.1"),
        "given_name": Explanation("The user's first name.", _CORE, "5.1"),
        "family_name": Explanation("The user's last name.", _CORE, "5.1"),
        "email": Explanation("The user's e-mail address.", _CORE, "5.1"),
        "email_verified": Explanation("Whether the address was verified.", _CORE, "5.1"),
        "phone_number": Explanation("The user's telephone number.", _CORE, "5.1"),
        "phone_number_verified": Explanation("Whether the number was verified.", _CORE, "5.1"),
    }
)


def explain_claim(name: str) -> Explanation:
    """What a claim says."""
    return CLAIMS.get(name, _UNKNOWN)


def explain_header(name: str) -> Explanation:
    """What a header member says."""
    return HEADER.get(name, _UNKNOWN)
