"""Accesses that last, as the user sees them (OpenID Connect Core 16.18)."""

from typing import Final

from ciba_service.protocol.locale import Locale
from ciba_service.protocol.request.authorization_details import DetailTypes, displayed_details
from ciba_service.protocol.tokens.grant import Grant
from ciba_service.sca.messages import LastingAccess
from ciba_service.sca.wording import shared_texts, shown_detail

__all__ = ["MAXIMUM_ACCESSES", "shown_access"]

MAXIMUM_ACCESSES: Final = 100
"""How many a user may have; a further one ends the one that was used least recently."""


def shown_access(
    grant: Grant, *, client_name: str, good_until: int, types: DetailTypes, locale: Locale
) -> LastingAccess:
    """What was granted, in the words of a challenge; ``good_until`` is in milliseconds."""
    return LastingAccess(
        transaction_id=grant.txn,
        client=client_name,
        shares=shared_texts(grant.scope, locale),
        since=grant.auth_time,
        until=good_until // 1000,
        details=tuple(
            shown_detail(each, locale) for each in displayed_details(grant.details, types)
        ),
    )
