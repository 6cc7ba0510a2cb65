"""Whoever signs may be far away: a failure costs nothing but time (503), whatever was begun."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from ciba_service.ports import Signer, SignerUnavailable
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.service_keys.current_keys import CurrentKeys
from ciba_service.stores.service_keys.key_files import FileKeys
from ciba_service.stores.service_keys.key_rotation import rotate_keys
from tests.redis.servers import flush_all
from tests.services.running_service import RunningService, running_service
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import CIBA, WireClient
from tests.wire.phone import WirePhone, claims_of
from tests.wire.signing import header_of, new_key
from tests.wire.tokens import granted, refresh

USERS = ({"sub": "alice", "user_code": "4711"},)


@dataclass
class Hsm:
    """Says what fails, and what was signed."""

    refuses: set[SignatureAlgorithm | str] = field(default_factory=set)
    signatures: list[str] = field(default_factory=list)


@dataclass
class HsmSigner:
    """``ports.Signer`` that does nothing while its module is out of order."""

    hsm: Hsm
    inner: Signer
    use: SignatureAlgorithm | str

    @property
    def kid(self) -> str:
        """The key's name."""
        return self.inner.kid

    @property
    def alg(self) -> SignatureAlgorithm:
        """The key's algorithm."""
        return self.inner.alg

    async def signature(self, data: bytes) -> bytes:
        """Sign, or say that it cannot."""
        if self.use in self.hsm.refuses:
            raise SignerUnavailable("the module is out of order")
        self.hsm.signatures.append(self.inner.kid)
        return await self.inner.signature(data)


class HsmKeys(CurrentKeys):
    """``ports.KeyRing`` whose private keys are in a module."""

    def __init__(self, keys: FileKeys, hsm: Hsm) -> None:
        super().__init__(keys)
        self._hsm = hsm

    def token_signer(self, alg: SignatureAlgorithm) -> Signer:
        """The active key for tokens."""
        return HsmSigner(self._hsm, super().token_signer(alg), alg)

    @property
    def challenge_signer(self) -> Signer:
        """The active key for challenges."""
        return HsmSigner(self._hsm, super().challenge_signer, "challenge")

    def challenge_announcers(self) -> tuple[Signer, ...]:
        """Those that announce others."""
        return tuple(HsmSigner(self._hsm, each, "keys") for each in super().challenge_announcers())


@pytest.fixture(scope="module")
def kiosk() -> WireClient:
    """A client with refresh tokens that asks for codes; access and ID tokens differ in alg."""
    return WireClient(
        "kiosk",
        key=new_key(kid="kiosk"),
        metadata={
            "grant_types": [CIBA, "refresh_token"],
            "backchannel_user_code_parameter": True,
            "id_token_signed_response_alg": "PS256",
        },
    )


@pytest.fixture
def hsm() -> Hsm:
    """A module that works."""
    return Hsm()


@pytest.fixture
async def bank(
    run_service: ServiceRunner, kiosk: WireClient, hsm: Hsm
) -> AsyncIterator[RunningService]:
    """A service that signs by the module."""
    async with run_service(
        clients=[kiosk],
        users=USERS,
        sections={"requests": {"open_prompts": 1}},
        key_ring=lambda keys: HsmKeys(keys, hsm),
    ) as running:
        yield running


@pytest.fixture
async def alice(bank: RunningService) -> WirePhone:
    """Alice's phone."""
    return await bank.enrolled_phone("alice")


def assert_unavailable(bank: RunningService, answer: httpx2.Response) -> None:
    """503 with a wish to come again, and a line in the log."""
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert bank.telemetry.failures.pop().name == "signer_unavailable"
    assert bank.telemetry.failures == []


async def test_whatever_is_signed_is_signed_through_the_port(
    bank: RunningService, kiosk: WireClient, alice: WirePhone, hsm: Hsm
):
    """Challenge, access token and ID token name the keys of the module, and no others."""
    auth_req_id = await kiosk.started(user_code="4711")
    (challenge,) = await alice.fetch()
    await alice.decide(alice.approval(challenge))
    tokens = (await kiosk.poll(auth_req_id)).json()
    signed = (challenge, tokens["access_token"], tokens["id_token"])
    assert hsm.signatures == [header_of(each)["kid"] for each in signed]
    assert [header_of(each)["alg"] for each in signed] == ["ES256", "ES256", "PS256"]
    assert bank.telemetry.failures == []


@pytest.mark.parametrize("alg", ["ES256", "PS256"], ids=["access token", "ID token"])
async def test_what_was_approved_stays_redeemable(
    bank: RunningService, kiosk: WireClient, alice: WirePhone, hsm: Hsm, alg: str
):
    """503 as often as it cannot be signed, then the tokens, and once only."""
    auth_req_id = await kiosk.started(user_code="4711")
    await alice.approve_next()
    hsm.refuses = {SignatureAlgorithm(alg)}
    for _ in range(3):
        assert_unavailable(bank, await kiosk.poll(auth_req_id))
    hsm.refuses = set()
    tokens = (await kiosk.poll(auth_req_id)).json()
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    again = await kiosk.poll(auth_req_id)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_refresh_that_cannot_be_signed_can_be_repeated(
    bank: RunningService, kiosk: WireClient, alice: WirePhone, hsm: Hsm
):
    """The refresh token stays good."""
    tokens = await granted(kiosk, alice, user_code="4711")
    hsm.refuses = {SignatureAlgorithm.ES256}
    assert_unavailable(bank, await refresh(kiosk, tokens["refresh_token"]))
    hsm.refuses = set()
    assert (await refresh(kiosk, tokens["refresh_token"])).status_code == 200


async def test_keys_that_cannot_be_announced_hide_no_challenge(
    embedded_target: RedisTarget, tmp_path: Path, till: WireClient, hsm: Hsm
):
    """Phones go on with what they have pinned, and are told as soon as it can be signed."""
    await flush_all(embedded_target)
    async with running_service(
        embedded_target, tmp_path, clients=[till], key_ring=lambda keys: HsmKeys(keys, hsm)
    ) as bank:
        rotate_keys(
            tmp_path, token_keys_kept=0, random=secrets.token_bytes, now=bank.clock.now_ms() + 1
        )
        assert await bank.service.keys.refresh()
        alice = await bank.enrolled_phone("alice")
        await till.started()
        fetch = {"type": "fetch"}
        hsm.refuses = {"keys"}
        frames = (await alice.send(fetch)).json()["messages"]
        assert [frame["type"] for frame in frames] == ["challenge", "fetched"]
        assert bank.telemetry.failures.pop().name == "signer_unavailable"
        hsm.refuses = set()
        for _ in range(2):
            frames = (await alice.send(fetch)).json()["messages"]
            assert [frame["type"] for frame in frames] == ["keys", "challenge", "fetched"]
        assert len(hsm.signatures) == 2, "one challenge, and one announcement for both fetches"


async def test_a_request_without_a_challenge_was_never_made(
    bank: RunningService, kiosk: WireClient, alice: WirePhone, hsm: Hsm
):
    """No phone is told, no prompt is taken, and no attempt at the user's code is counted."""
    hsm.refuses = {"challenge"}
    for _ in range(7):
        assert_unavailable(bank, await kiosk.start(user_code="4711"))
    assert await alice.fetch() == []
    hsm.refuses = set()
    await kiosk.started(user_code="4711")
    assert len(await alice.fetch()) == 1
