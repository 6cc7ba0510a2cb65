"""The service's words for what a client gets: the same before it is approved and ever after."""

from typing import Final

from ciba_service.protocol.request.authorization_details import DisplayedDetail
from ciba_service.sca.messages import ShownDetail, ShownLine

__all__ = ["shared_texts", "shown_detail"]

_SHARES: Final = {
    "openid": "Your identity",
    "profile": "Your name and profile",
    "email": "Your e-mail address",
    "phone": "Your phone number",
    "address": "Your postal address",
}


def shared_texts(scope: tuple[str, ...]) -> tuple[str, ...]:
    """One text for each token of a scope."""
    return tuple(_SHARES.get(token, f"Access: {token}") for token in scope)


def shown_detail(displayed: DisplayedDetail) -> ShownDetail:
    """All that a phone shows of an authorization detail."""
    return ShownDetail(
        title=displayed.title,
        lines=tuple(
            ShownLine(member=line.member, label=line.label, texts=line.texts, worded=line.worded)
            for line in displayed.lines
        ),
    )
