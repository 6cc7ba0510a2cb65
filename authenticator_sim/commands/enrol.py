"""``authenticator-sim enrol``: make a phone out of an activation code."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from authenticator_sim.commands.pins import choose_pin
from authenticator_sim.commands.surroundings import Surroundings
from authenticator_sim.connection.addresses import require_issuer, tls_context
from authenticator_sim.connection.enrolment import send_enrolment
from authenticator_sim.connection.http import HttpClient
from authenticator_sim.connection.https import HttpsConnection
from authenticator_sim.core.device import Device
from authenticator_sim.core.events import ApprovalAwaited, Enrolled
from authenticator_sim.core.identity.enrolment import complete_enrolment, new_enrolment
from authenticator_sim.core.identity.identity import DeviceIdentity
from authenticator_sim.core.jose import public_jwk
from authenticator_sim.errors import DeviceRevoked, EnrolmentRefused, KeystoreRefused, NotApproved
from authenticator_sim.keystore import Keystore
from ciba_service.sca.messages import comparison_code, key_thumbprint

__all__ = ["EnrolOptions", "enrol"]

_LOOK_AGAIN_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, repr=False)
class EnrolOptions:
    """What the command line asks for."""

    issuer: str
    activation_code: str
    second_secret: str | None
    name: str
    pin_file: Path | None
    if_needed: bool
    state: Path
    ca_file: Path | None
    json: bool

    def __repr__(self) -> str:
        return f"EnrolOptions(issuer={self.issuer!r}, ...)"


async def enrol(options: EnrolOptions, surroundings: Surroundings) -> bool:
    """Enrol and store the phone; a further one of its user waits here until it is approved.

    Everything that can fail on this side is tried before the activation code is spent. With
    ``if_needed`` a phone of the same issuer that is there already will do.
    Raises a ``PhoneError`` when it cannot be done.
    """
    keystore = Keystore(options.state)
    if options.if_needed and keystore.exists():
        identity = _present(keystore, options.issuer)
    else:
        identity = await _enrolled(options, keystore, surroundings)
    enrolled = Enrolled(identity.device_id, identity.issuer, identity.subject)
    surroundings.reporter(json=options.json).report(enrolled)
    return True


def _present(keystore: Keystore, issuer: str) -> DeviceIdentity:
    identity = keystore.load()
    if identity.issuer != issuer:
        raise KeystoreRefused(f"The phone in {keystore.directory} belongs to another issuer.")
    return identity


async def _enrolled(
    options: EnrolOptions, keystore: Keystore, surroundings: Surroundings
) -> DeviceIdentity:
    tls = tls_context(options.ca_file)
    require_issuer(options.issuer)
    keystore.prepare()
    pin = await choose_pin(surroundings, options.pin_file)
    clock, random_bytes = surroundings.clock, surroundings.random_bytes
    pending = new_enrolment(
        issuer=options.issuer,
        activation_code=options.activation_code,
        second_secret=options.second_secret,
        name=options.name,
        now_ms=clock.now_ms(),
        random_bytes=random_bytes,
    )
    async with HttpClient(options.issuer, tls=tls) as http:
        answer = await send_enrolment(pending, http=http, clock=clock, random_bytes=random_bytes)
        identity = complete_enrolment(pending, answer, pin=pin, random_bytes=random_bytes)
        keystore.save(identity)
        if answer.approval_until is not None:
            code = comparison_code(
                identity.device_id, key_thumbprint(public_jwk(identity.signing_key))
            )
            surroundings.reporter(json=options.json).report(
                ApprovalAwaited(identity.device_id, code, answer.approval_until)
            )
            await _until_approved(identity, keystore, http, surroundings)
    return identity


async def _until_approved(
    identity: DeviceIdentity, keystore: Keystore, http: HttpClient, surroundings: Surroundings
) -> None:
    """Look until the phone is let in; one that is turned away forgets its keys."""
    clock, random_bytes = surroundings.clock, surroundings.random_bytes
    device = Device(identity, random_bytes=random_bytes)
    https = HttpsConnection(device, http=http, clock=clock, random_bytes=random_bytes)
    while True:
        try:
            await https.fetch()
        except NotApproved:
            await clock.sleep(_LOOK_AGAIN_SECONDS)
        except DeviceRevoked:
            keystore.forget()
            raise EnrolmentRefused("Nobody approved this phone on another one.") from None
        else:
            return
