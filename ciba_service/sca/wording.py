"""The service's words for what a client gets: the same before it is approved and ever after.

Each is there in every language, and a language is never made up for by another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import DisplayedDetail
from ciba_service.sca.messages import ShownDetail, ShownLine

__all__ = ["WORDS", "Words", "shared_texts", "shown_detail"]


@dataclass(frozen=True, slots=True)
class Words:
    """What the service says in one language.

    ``lasting``: the user knows when a grant outlives the moment (OpenID Connect Core 16.18).
    ``scope`` stands before the name of a scope token that has no words in ``shares``.
    """

    payment: str
    access: str
    sign_in: str
    lasting: str
    scope: str
    shares: Mapping[str, str]


WORDS: Final[Mapping[Locale, Words]] = {
    Locale.EN: Words(
        payment="Confirm payment",
        access="Confirm access",
        sign_in="Confirm sign-in",
        lasting="Lasting access, without asking you again",
        scope="Access",
        shares={
            "openid": "Your identity",
            "profile": "Your name and profile",
            "email": "Your e-mail address",
            "phone": "Your phone number",
            "address": "Your postal address",
        },
    ),
    Locale.DE: Words(
        payment="Zahlung bestätigen",
        access="Zugriff bestätigen",
        sign_in="Anmeldung bestätigen",
        lasting="Dauerhafter Zugriff, ohne Sie noch einmal zu fragen",
        scope="Zugriff",
        shares={
            "openid": "Ihre Identität",
            "profile": "Ihr Name und Ihr Profil",
            "email": "Ihre E-Mail-Adresse",
            "phone": "Ihre Telefonnummer",
            "address": "Ihre Postanschrift",
        },
    ),
}


def shared_texts(scope: tuple[str, ...], locale: Locale) -> tuple[str, ...]:
    """One text for each token of a scope."""
    words = WORDS[locale]
    return tuple(words.shares.get(token, f"{words.scope}: {token}") for token in scope)


def shown_detail(displayed: DisplayedDetail, locale: Locale) -> ShownDetail:
    """All that a phone shows of an authorization detail."""
    texts = displayed.texts[locale]
    return ShownDetail(
        title=texts.title,
        lines=tuple(
            ShownLine(member=line.member, label=line.label, texts=line.texts, worded=line.worded)
            for line in texts.lines
        ),
    )
