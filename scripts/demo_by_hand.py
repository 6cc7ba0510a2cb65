"""What comes after the flows of ``make demo``: an approval by hand, on a phone in a browser."""

from http import HTTPStatus
from typing import TextIO

import httpx2
from demo_place import BIN, BY_HAND, DemoFailed, Place

from ciba_service.commands.qr_code import qr_code_for

__all__ = ["invitation", "see_the_page"]


async def see_the_page(place: Place) -> None:
    """See that the web phone is there."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        page = await http.get(f"{place.phone_origin}/")
    if page.status_code != HTTPStatus.OK:
        raise DemoFailed(f"the page of the phone was answered {page.status_code}")


def invitation(place: Place, playground: str, screen: TextIO) -> str:
    """How to approve by hand, for whoever runs the demo; ``playground`` is its address."""
    return f"""
--- your turn: approve a payment by hand, as carol

1. Open the phone; the link has its activation code. Choose a PIN.

   {place.invitation}

{qr_code_for(screen, place.invitation)}
2. Choose Payment and press Start in the playground: it asks {BY_HAND}. See every message of it.

   {playground}

   Or at a terminal:

   {BIN}/ciba-client start --config {place.client("till")} \\
       --login-hint {BY_HAND} --binding-message HELLO \\
       --authorization-details @{place.directory}/payment.json --wait

3. Confirm it on the phone.

A second phone of carol is at {place.phone_origin}/?phone=2, alice@example.org approves by herself,
and this shows who has phones:

   {BIN}/ciba-service users list --config {place.config}

Ctrl-C ends everything."""
