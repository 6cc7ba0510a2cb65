"""Which announcements of keys a phone believes: signed by a challenge key it has pinned."""

from dataclasses import replace

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.identity import DeviceIdentity
from ciba_service.sca.messages import (
    KEY_ANNOUNCEMENT_VERSION,
    KEYS_TYP,
    KeyAnnouncement,
    KeysAnnounced,
)

__all__ = ["AnnouncementRefused", "with_announced_keys"]

_MOST_KEYS = 16


class AnnouncementRefused(Exception):
    """The phone stays with the keys it has; the text says why."""


def with_announced_keys(identity: DeviceIdentity, announced: KeysAnnounced) -> DeviceIdentity:
    """The phone with the announced keys in place of those it had.

    Raises:
        AnnouncementRefused: No pinned key has signed it, it is older than the last one, or wrong.
    """
    content = _verified(identity, announced)
    if content.v != KEY_ANNOUNCEMENT_VERSION or content.iss != identity.issuer:
        raise AnnouncementRefused("it is of another version or issuer")
    if content.iat < identity.keys_announced_at:
        raise AnnouncementRefused("it is older than what is known")
    if not 0 < len(content.challenge) <= _MOST_KEYS:
        raise AnnouncementRefused("it names no key, or too many")
    keys = msgspec.structs.replace(identity.service_keys, challenge=content.challenge)
    if content.encryption is not None:
        keys = msgspec.structs.replace(keys, encryption=content.encryption)
    for jwk in (*keys.challenge, keys.encryption):
        _verify_key(jwk)
    return replace(identity, service_keys=keys, keys_announced_at=content.iat)


def _verified(identity: DeviceIdentity, announced: KeysAnnounced) -> KeyAnnouncement:
    for token in announced.announcements[:_MOST_KEYS]:
        try:
            payload = jose.verify(token, keys=identity.service_keys.challenge, typ=KEYS_TYP)
            return decode_json(payload, KeyAnnouncement)
        except (jose.JoseRefused, MalformedJson):
            continue
    raise AnnouncementRefused("no pinned key has signed it")


def _verify_key(jwk: dict[str, str]) -> None:
    try:
        jose.import_public_key(jwk)
    except jose.JoseRefused as error:
        raise AnnouncementRefused("a key is unusable") from error
    if not jwk.get("kid"):
        raise AnnouncementRefused("a key has no name")
