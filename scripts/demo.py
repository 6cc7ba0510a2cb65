"""``make demo``: a service, a phone and three clients in one terminal, in each delivery mode.

The service runs as its own process on an embedded Redis, alice's phone and a phone for browsers as
others; the clients are the client library in this one. The till polls and has its payment executed,
the kiosk is pinged, the bookshop is pushed its tokens. With ``--once`` everything ends after the
flows, and the exit status says whether all three were delivered and verified; otherwise the service
stays up, and whoever runs it approves by hand in a browser.
"""

import argparse
import asyncio
import base64
import json
import signal
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2
from demo_by_hand import invitation, see_the_page
from demo_place import ENDPOINT, DemoFailed, Place, prepare
from demo_stage import (
    Timeline,
    notification_endpoint,
    phone,
    playground,
    service,
    web_phone,
)
from starlette.applications import Starlette
from starlette.routing import Route

from ciba_client import (
    CibaClient,
    CibaClientError,
    ClientConfiguration,
    NotificationReceiver,
    PendingAuthentication,
    Pinged,
    TokenDeliveryMode,
    TokenSet,
    TokensReceived,
    parse_signing_key,
)

FLOW_SECONDS: Final = 60
USER: Final = "alice@example.org"
DETAILS: Final[list[dict[str, object]]] = [
    {
        "type": "payment_initiation",
        "instructedAmount": {"currency": "EUR", "amount": "12.50"},
        "creditorName": "Corner Shop Ltd",
        "creditorAccount": {"iban": "DE89370400440532013000"},
    }
]


async def main(*, once: bool) -> int:
    """Run the demo; returns the exit status."""
    timeline, receiver = Timeline(), NotificationReceiver()
    app = Starlette(routes=[Route(ENDPOINT, receiver)])
    with tempfile.TemporaryDirectory(prefix="ciba-demo-") as name:
        try:
            place = await prepare(Path(name), well_known=not once)
            async with (
                service(place, timeline),
                web_phone(place, timeline),
                phone(place, timeline),
            ):
                async with notification_endpoint(app, place):
                    await _till(place, timeline)
                    await _kiosk(place, timeline, receiver)
                    await _bookshop(place, timeline, receiver)
                await see_the_page(place)
                if not once:
                    await _stay(place)
        except (DemoFailed, CibaClientError, TimeoutError) as error:
            timeline.say("demo", f"FAILED: {type(error).__name__}: {error}")
            return 1
    timeline.say("demo", "poll, ping and push: approved on the phone, delivered, verified: done")
    return 0


async def _till(place: Place, timeline: Timeline) -> None:
    """Poll: a payment, from the request to its execution."""
    timeline.title("poll, fapi2-ciba: the till asks every other second whether alice has decided")
    configuration = _configuration(place, "till", TokenDeliveryMode.POLL, bound=True)
    async with asyncio.timeout(FLOW_SECONDS), CibaClient(configuration) as client:
        timeline.say("till", f"asks the provider to let {USER} approve 12.50 EUR")
        async with client.authenticate(
            scope="openid profile",
            login_hint=USER,
            binding_message="W4SCT",
            authorization_details=DETAILS,
        ) as pending:
            tokens = await _tokens("till", "W4SCT", pending, timeline)
        timeline.say("till", "granted: exactly the amount and payee that were shown")
        timeline.block(json.dumps(tokens.authorization_details, indent=2))
        await _pay(client, tokens, place, timeline)


async def _kiosk(place: Place, timeline: Timeline, receiver: NotificationReceiver) -> None:
    """Ping: the provider says that there is a decision, and the kiosk asks once."""
    timeline.title("ping, fapi2-ciba: the kiosk is told, and asks once")
    configuration = _configuration(place, "kiosk", TokenDeliveryMode.PING, bound=True)
    async with (
        asyncio.timeout(FLOW_SECONDS),
        CibaClient(configuration, notifications=receiver) as client,
    ):
        timeline.say("kiosk", f"asks the provider who {USER} is")
        async with client.authenticate(
            scope="openid profile", login_hint=USER, binding_message="SEAT-7"
        ) as pending:
            tokens = await _tokens("kiosk", "SEAT-7", pending, timeline)
            if pending.awaits_ping:
                raise DemoFailed("the tokens came without a ping")
        await _look_up("kiosk", client, tokens, place, timeline)


async def _bookshop(place: Place, timeline: Timeline, receiver: NotificationReceiver) -> None:
    """Push: the provider brings the tokens, and the bookshop asks for nothing."""
    timeline.title("push, ciba-core: the bookshop is brought its tokens")
    configuration = _configuration(place, "bookshop", TokenDeliveryMode.PUSH, bound=False)
    async with (
        asyncio.timeout(FLOW_SECONDS),
        CibaClient(configuration, notifications=receiver) as client,
    ):
        timeline.say("bookshop", f"asks the provider who {USER} is")
        async with client.authenticate(
            scope="openid profile", login_hint=USER, binding_message="BOOKS"
        ) as pending:
            tokens = await _tokens("bookshop", "BOOKS", pending, timeline)
        if tokens.refresh_token is None:
            raise DemoFailed("no refresh token was pushed")
        timeline.say("bookshop", "at_hash, rt_hash and auth_req_id tie the tokens to the request")
        await _look_up("bookshop", client, tokens, place, timeline)


def _configuration(
    place: Place, client_id: str, mode: TokenDeliveryMode, *, bound: bool
) -> ClientConfiguration:
    return ClientConfiguration(
        issuer=place.issuer,
        client_id=client_id,
        key=parse_signing_key(place.key(client_id).read_bytes()),
        backchannel_token_delivery_mode=mode,
        dpop_bound_access_tokens=bound,
    )


async def _tokens(
    who: str, shown: str, pending: PendingAuthentication, timeline: Timeline
) -> TokenSet:
    """Wait for the tokens and show them."""
    timeline.say("service", f"took the signed request: expires in {pending.expires_in} s")
    waits = {
        TokenDeliveryMode.POLL: f"polls every {pending.interval} s",
        TokenDeliveryMode.PING: "waits for a ping",
        TokenDeliveryMode.PUSH: "waits for a push",
    }
    timeline.say(who, f"shows {shown} and {waits[pending.delivery_mode]}")
    async for event in pending.events():
        match event:
            case Pinged():
                timeline.say(who, "is notified: the decision is there")
            case TokensReceived(tokens):
                _show(who, tokens, timeline)
                return tokens
            case _:
                timeline.say(who, "asks: not decided yet")
    raise AssertionError("the last event brings tokens")


def _show(who: str, tokens: TokenSet, timeline: Timeline) -> None:
    timeline.say(who, f"received tokens ({tokens.token_type}, {tokens.expires_in} s), verified")
    timeline.say(who, "ID token: who, how strongly, and by which factors (amr)")
    timeline.block(json.dumps(dict(tokens.id_token.claims), indent=2))
    timeline.say(who, "access token, decoded")
    timeline.block(_decoded(tokens.access_token))


async def _pay(client: CibaClient, tokens: TokenSet, place: Place, timeline: Timeline) -> None:
    """Have the payment executed, and see that it cannot be done twice."""
    url = f"{place.issuer}/resource/payments"
    paid = await _present(client, tokens, "POST", url)
    if paid.status_code != HTTPStatus.CREATED:
        raise DemoFailed(f"the payment was refused: {paid.text}")
    timeline.say("till", "presents the token at the bank's resource: payment executed")
    timeline.block(json.dumps(paid.json(), indent=2))
    again = await _present(client, tokens, "POST", url)
    if again.status_code != HTTPStatus.CONFLICT:
        raise DemoFailed(f"a second use was answered {again.status_code}")
    timeline.say("till", f"presents it once more: {again.json()['error']}, once is all")


async def _look_up(
    who: str, client: CibaClient, tokens: TokenSet, place: Place, timeline: Timeline
) -> None:
    """Ask for the user's claims with the token, which shows that it is one."""
    told = await _present(client, tokens, "GET", f"{place.issuer}/userinfo")
    if told.status_code != HTTPStatus.OK or told.json()["sub"] != tokens.id_token.sub:
        raise DemoFailed(f"userinfo refused the token: {told.text}")
    timeline.say(who, f"presents the token at userinfo: {told.json()['sub']}")


async def _present(client: CibaClient, tokens: TokenSet, method: str, url: str) -> httpx2.Response:
    """Call with a fresh proof; a refusal of the first one brings the nonce (RFC 9449 9)."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        headers = client.resource_headers(tokens, method=method, url=url)
        answer = await http.request(method, url, headers=headers)
        nonce = answer.headers.get("dpop-nonce")
        if answer.status_code == HTTPStatus.UNAUTHORIZED and nonce is not None:
            headers = client.resource_headers(tokens, method=method, url=url, nonce=nonce)
            answer = await http.request(method, url, headers=headers)
        return answer


def _decoded(token: str) -> str:
    """What stands in a token; whom it is for has to verify it."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return json.dumps(claims, indent=2)


async def _stay(place: Place) -> None:
    (place.directory / "payment.json").write_text(json.dumps(DETAILS), "utf-8")
    async with playground(place) as address:
        print(invitation(place, address, sys.stdout), flush=True)
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, ended.set)
        await ended.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--once", action="store_true", help="end after the flows")
    sys.exit(asyncio.run(main(once=parser.parse_args().once)))
