"""What is asked: hint, scope, message, expiry, user code and notification token (CIBA 7.1)."""

import re
from collections.abc import Mapping
from typing import Any

from tests.wrong_provider.errors import Refusal, invalid_request
from tests.wrong_provider.faults import Fault
from tests.wrong_provider.jose import Signed, verified
from tests.wrong_provider.provider import Client, Provider, User

__all__ = [
    "acr",
    "asked_user",
    "expiry",
    "notification_token",
    "scope",
    "verify_binding_message",
    "verify_unknown",
]

HINTS = ("login_hint", "login_hint_token", "id_token_hint")
KNOWN = {
    *HINTS,
    "scope",
    "acr_values",
    "binding_message",
    "client_notification_token",
    "requested_expiry",
    "user_code",
}
KNOWN_SCOPES = {"openid", "profile"}
LONGEST_MESSAGE = 100
DEFAULT_EXPIRY, LONGEST_EXPIRY = 180, 600
TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
LONGEST_TOKEN = 1024

Asked = Mapping[str, Any]


def verify_unknown(provider: Provider, asked: Asked) -> None:
    """Parameters that nobody knows are ignored (CIBA 7.1)."""
    if provider.has(Fault.REFUSES_UNKNOWN_PARAMETERS) and not KNOWN.issuperset(asked):
        raise invalid_request("A parameter is unknown.")


def scope(provider: Provider, asked: Asked) -> str:
    """The scope, which contains ``openid``."""
    text = asked.get("scope")
    if text is None:
        if provider.has(Fault.ACCEPTS_MISSING_SCOPE):
            return "openid"
        raise invalid_request("The scope is missing.")
    names = str(text).split(" ")
    if "openid" not in names and not provider.has(Fault.ACCEPTS_SCOPE_WITHOUT_OPENID):
        raise Refusal(400, "invalid_scope", "The scope must contain openid.")
    if not KNOWN_SCOPES.issuperset(names):
        raise Refusal(400, "invalid_scope", "The scope is unknown.")
    if names[0] != "openid" and provider.has(Fault.REFUSES_SCOPE_IN_OTHER_ORDER):
        raise Refusal(400, "invalid_scope", "The scope must begin with openid.")
    return str(text)


def asked_user(provider: Provider, client: Client, asked: Asked) -> User:
    """Who is meant by the one hint, and has given the right code."""
    given = [name for name in HINTS if name in asked]
    if len(given) > 1 and not provider.has(Fault.ACCEPTS_TWO_HINTS):
        raise invalid_request("There is more than one hint.")
    if not given:
        if provider.has(Fault.ACCEPTS_NO_HINT):
            return next(iter(provider.users))
        raise invalid_request("There is no hint.")
    user = _meant(provider, given[0], str(asked[given[0]]))
    if client.user_code:
        _verify_user_code(provider, user, asked.get("user_code"))
    return user


def verify_binding_message(provider: Provider, asked: Asked) -> None:
    """A phone can show it: short and printable."""
    message = asked.get("binding_message")
    if message is None:
        return
    if provider.has(Fault.REFUSES_BINDING_MESSAGE):
        raise _bad_message()
    text = str(message)
    if len(text) <= LONGEST_MESSAGE and text.isprintable():
        return
    if provider.has(Fault.LONG_BINDING_MESSAGE_AS_500):
        raise Refusal(500, "server_error", "Too long.")
    if provider.has(Fault.LONG_BINDING_MESSAGE_WITH_WRONG_CODE):
        raise invalid_request("Too long.")
    if not provider.has(Fault.ACCEPTS_LONG_BINDING_MESSAGE):
        raise _bad_message()


def notification_token(provider: Provider, client: Client, asked: Asked) -> str | None:
    """The token of ping and push, which is long enough not to be guessed."""
    token = asked.get("client_notification_token")
    if client.mode == "poll":
        return None
    if token is None:
        if provider.has(Fault.ACCEPTS_MISSING_NOTIFICATION_TOKEN):
            return None
        raise invalid_request("The notification token is missing.")
    text = str(token)
    excuses = {
        Fault.ACCEPTS_LONG_NOTIFICATION_TOKEN: len(text) > LONGEST_TOKEN,
        Fault.ACCEPTS_NOTIFICATION_TOKEN_WITH_STRANGE_CHARACTERS: TOKEN.match(text) is None,
    }
    if any(wrong and not provider.has(excuse) for excuse, wrong in excuses.items()):
        raise invalid_request("The notification token is not right.")
    if len(text) > LONGEST_TOKEN // 2 and provider.has(Fault.REFUSES_LONG_NOTIFICATION_TOKEN):
        raise invalid_request("The notification token is long.")
    return text


def expiry(provider: Provider, asked: Asked) -> int:
    """How many seconds the request lives."""
    requested = asked.get("requested_expiry")
    if requested is None:
        return DEFAULT_EXPIRY
    if isinstance(requested, str) and provider.has(Fault.REFUSES_EXPIRY_AS_STRING):
        raise invalid_request("The expiry must be a number.")
    if isinstance(requested, int) and provider.has(Fault.REFUSES_EXPIRY_AS_NUMBER):
        raise invalid_request("The expiry must be a string.")
    text = str(requested)
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        if provider.has(Fault.ACCEPTS_EXPIRY_THAT_IS_NO_NUMBER):
            return DEFAULT_EXPIRY
        raise invalid_request("The expiry is no whole number.")
    seconds = int(text)
    excused = Fault.ACCEPTS_ZERO_EXPIRY if seconds == 0 else Fault.ACCEPTS_NEGATIVE_EXPIRY
    if seconds <= 0 and not provider.has(excused):
        raise invalid_request("The expiry must be positive.")
    if seconds <= 0 or provider.differently:
        return DEFAULT_EXPIRY
    return min(seconds, LONGEST_EXPIRY)


def acr(provider: Provider, asked: Asked) -> str | None:
    """How the user is to be authenticated: the first of those asked for."""
    if provider.has(Fault.ID_TOKEN_WITH_OTHER_ACR):
        return "urn:example:other"
    if "acr_values" not in asked or provider.has(Fault.ID_TOKEN_WITHOUT_ACR):
        return None
    return str(asked["acr_values"]).split()[0]


def _meant(provider: Provider, kind: str, hint: str) -> User:
    if kind == "id_token_hint":
        return _of_id_token(provider, hint)
    if kind == "login_hint_token":
        if provider.has(Fault.ACCEPTS_MALFORMED_HINT_TOKENS):
            return next(iter(provider.users))
        raise invalid_request("The hint is malformed.")
    for user in provider.users:
        if hint in user.hints:
            return user
    return _nobody(provider)


def _of_id_token(provider: Provider, hint: str) -> User:
    public = provider.key.as_dict(private=False)
    try:
        signed = Signed.parse(hint)
    except ValueError:
        signed = None
    if signed is None or not verified(signed, [public], ["ES256"]):
        if provider.has(Fault.ACCEPTS_MALFORMED_HINT_TOKENS):
            return next(iter(provider.users))
        raise invalid_request("The hint is malformed.")
    for user in provider.users:
        if user.sub == signed.claims.get("sub"):
            return user
    return _nobody(provider)


def _nobody(provider: Provider) -> User:
    if provider.has(Fault.UNKNOWN_USER_ACCEPTED):
        return User("nobody", ())
    if provider.has(Fault.UNKNOWN_USER_AS_500):
        raise Refusal(500, "server_error", "No such user.")
    if provider.has(Fault.UNKNOWN_USER_WITH_WRONG_CODE):
        raise Refusal(400, "access_denied", "No such user.")
    raise Refusal(400, "unknown_user_id", "The user is unknown.")


def _verify_user_code(provider: Provider, user: User, code: object) -> None:
    if code is None:
        if provider.has(Fault.ACCEPTS_MISSING_USER_CODE):
            return
        if provider.has(Fault.MISSING_USER_CODE_AS_INVALID):
            raise Refusal(400, "invalid_user_code", "The user code is wrong.")
        raise Refusal(400, "missing_user_code", "The user code is missing.")
    if code != user.user_code and not provider.has(Fault.ACCEPTS_WRONG_USER_CODE):
        raise Refusal(400, "invalid_user_code", "The user code is wrong.")


def _bad_message() -> Refusal:
    return Refusal(400, "invalid_binding_message", "The message cannot be shown.")
