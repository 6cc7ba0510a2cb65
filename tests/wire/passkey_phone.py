"""A phone with a passkey at the level of the wire, and a service that takes passkeys."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from authenticator_sim.core.identity.passkeys import (
    Gesture,
    PasskeyUse,
    SoftwarePasskey,
    new_passkey,
)
from ciba_service.sca.messages import (
    CreationOptions,
    DecisionClaims,
    PasskeyAttestation,
    Verdict,
    challenge_hash,
    decision_digest,
    passkey_challenge,
)
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

RP_ID = "bank.example"
ORIGIN = "https://app.bank.example"
APP = "android:apk-key-hash:" + "A" * 43
DEVICE_SECTION = {"rp_id": RP_ID, "rp_name": "The Bank", "allowed_origins": [ORIGIN, APP]}
SECTIONS = {"device": DEVICE_SECTION}

Change = Callable[[PasskeyAttestation], PasskeyAttestation]


@dataclass
class PasskeyPhone:
    """A phone and its passkey, which counts each of its uses."""

    phone: WirePhone
    passkey: SoftwarePasskey

    def used(self, **changes: Any) -> SoftwarePasskey:
        """The passkey, counted up; with ``changes`` another one in its place."""
        self.passkey = replace(self.passkey, sign_count=self.passkey.sign_count + 1)
        return replace(self.passkey, **changes)

    def approval(
        self,
        challenge: str,
        *,
        passkey: SoftwarePasskey | None = None,
        gesture: Gesture = Gesture.VERIFIED,
        confirms: dict[str, Any] | None = None,
        edit: Callable[[dict[str, Any]], object] = lambda _: None,
        **proofs: Any,
    ) -> str:
        """A decision JWS that approves with the passkey.

        ``confirms`` changes the claims that the passkey signs, ``edit`` what it says.
        """
        phone, jti = self.phone, secrets.token_urlsafe(16)
        claims: dict[str, Any] = {
            "iss": phone.device_id,
            "aud": phone.issuer,
            "jti": jti,
            "iat": phone.clock.now(),
            "transaction_id": claims_of(challenge)["transaction_id"],
            "challenge_hash": challenge_hash(challenge),
            "verdict": Verdict.APPROVE,
        }
        signed = DecisionClaims(**{**claims, **(confirms or {})})
        use = PasskeyUse(passkey or self.used(), gesture)
        assertion = msgspec.to_builtins(use.confirm(passkey_challenge(decision_digest(signed))))
        # What a browser says beside, which is of no account.
        assertion |= {"clientExtensionResults": {}, "authenticatorAttachment": "platform"}
        edit(assertion)
        factors = phone.factors(jti, passkey=assertion, **proofs)
        return phone.decision(challenge, **{**claims, "verdict": "approve", "factors": factors})

    async def approve_next(self, **options: Any) -> dict[str, Any]:
        """Approve the one open challenge."""
        (challenge,) = await self.phone.fetch()
        return await self.phone.decide(self.approval(challenge, **options))


async def offered(phone: WirePhone) -> CreationOptions:
    """What the service says to make a passkey with."""
    (message,) = (await phone.send({"type": "make_passkey"})).json()["messages"]
    assert message["type"] == "passkey_options", message
    return msgspec.convert(message["options"], CreationOptions)


async def made(
    phone: WirePhone, *, origin: str = ORIGIN, synced: bool = False, **changed: Any
) -> tuple[SoftwarePasskey, PasskeyAttestation, str]:
    """A new passkey, what it says of itself, and the challenge it was made with."""
    options = msgspec.structs.replace(await offered(phone), **changed)
    passkey, attestation = new_passkey(
        options,
        origin=origin,
        gesture=Gesture.VERIFIED,
        synced=synced,
        random_bytes=secrets.token_bytes,
    )
    return passkey, attestation, options.challenge


async def order_for(
    phone: WirePhone, attestation: PasskeyAttestation, nonce: str, **options: Any
) -> str:
    """The order that registers a passkey."""
    said = msgspec.to_builtins(attestation)
    return await phone.order("add_passkey", nonce=nonce, passkey=said, **options)


async def with_passkey(phone: WirePhone, **options: Any) -> PasskeyPhone:
    """The phone with a passkey that is registered."""
    passkey, attestation, nonce = await made(phone, **options)
    done = await phone.give_order(await order_for(phone, attestation, nonce))
    assert (done["type"], done["action"]) == ("order_done", "add_passkey"), done
    return PasskeyPhone(phone, passkey)
