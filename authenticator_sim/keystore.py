"""The phone's keys on disk.

A real phone keeps its private keys where they cannot be exported. This is a simulator: its
private keys and its OTP seed stand in this file as they are, guarded by file permissions only.
The PIN key stands here only wrapped (``core.pin``), so that the file alone cannot tell a right
PIN from a wrong one.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from authenticator_sim.core import jose
from authenticator_sim.core.decoding import MalformedJson, decode_json
from authenticator_sim.core.identity.identity import DeviceIdentity, PendingPin
from authenticator_sim.core.identity.otp import verify_totp_parameters
from authenticator_sim.core.identity.passkeys import SoftwarePasskey
from authenticator_sim.core.identity.pin import SALT_BYTES, WrappedPinKey
from authenticator_sim.errors import KeystoreRefused, NotEnrolled
from authenticator_sim.storage import exclusive, private_directory, read_private, write_private
from ciba_service.sca.messages import PIN_KEY_BYTES, ServiceKeys, TotpParameters

__all__ = ["Keystore"]

_FORMAT: Final = 1


class _StoredPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    salt: str
    wrapped: str
    jti: str
    order: str

    def __repr__(self) -> str:
        return "_StoredPin(...)"


class _StoredPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    passkey_id: str
    key: dict[str, str]
    rp_id: str
    origin: str
    user_handle: str
    sign_count: int
    synced: bool
    registered: bool

    def __repr__(self) -> str:
        return "_StoredPasskey(...)"


class _StoredPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    device_id: str
    issuer: str
    subject: str
    name: str
    websocket: str
    messages: str
    signing_key: dict[str, str]
    encryption_key: dict[str, str]
    service_keys: ServiceKeys
    pin_salt: str
    pin_key_wrapped: str
    totp: TotpParameters
    keys_announced_at: int = 0
    pending_pin: _StoredPin | None = None
    passkeys: tuple[_StoredPasskey, ...] = ()

    def __repr__(self) -> str:
        return "_StoredPhone(...)"


class Keystore:
    """One phone in one directory: ``keystore.json``, mode 0600, in a directory of mode 0700.

    What changes later is changed under a lock, since several processes may be this phone.
    """

    def __init__(self, directory: Path) -> None:
        """Name the directory; nothing is read or made yet."""
        self.directory = directory
        self._path = directory / "keystore.json"
        self._lock = directory / "keystore.lock"

    def exists(self) -> bool:
        """Whether a phone, usable or not, is enrolled here."""
        return self._path.is_symlink() or self._path.exists()

    def prepare(self) -> None:
        """Make the directory ready for a new phone, before an activation code is spent on it.

        Raises:
            KeystoreRefused: A phone is enrolled here already, or the directory is unsafe.
        """
        private_directory(self.directory)
        if self.exists():
            raise KeystoreRefused(
                f"A phone is enrolled in {self.directory} already: name another with --state."
            )

    def save(self, identity: DeviceIdentity) -> None:
        """Write the phone in one step; raises ``KeystoreRefused``."""
        stored = _StoredPhone(
            format=_FORMAT,
            device_id=identity.device_id,
            issuer=identity.issuer,
            subject=identity.subject,
            name=identity.name,
            websocket=identity.websocket,
            messages=identity.messages,
            signing_key=jose.private_jwk(identity.signing_key),
            encryption_key=jose.private_jwk(identity.encryption_key),
            service_keys=identity.service_keys,
            pin_salt=jose.base64url(identity.pin_key.salt),
            pin_key_wrapped=jose.base64url(identity.pin_key.wrapped),
            totp=identity.totp,
            keys_announced_at=identity.keys_announced_at,
            pending_pin=_stored_pin(identity.pending_pin),
            passkeys=tuple(map(_stored_passkey, identity.passkeys)),
        )
        write_private(self._path, msgspec.json.format(msgspec.json.encode(stored)) + b"\n")

    def forget(self) -> None:
        """Destroy the keys of a phone that will never be one."""
        with exclusive(self._lock):
            self._path.unlink(missing_ok=True)

    def pin(self, keys: ServiceKeys, *, announced_at: int) -> None:
        """Take announced keys in place of those before; raises as ``load``."""
        with exclusive(self._lock):
            identity = self.load()
            if announced_at >= identity.keys_announced_at:
                self.save(replace(identity, service_keys=keys, keys_announced_at=announced_at))

    def rename(self, name: str) -> None:
        """Take the name that the service has; raises as ``load``."""
        with exclusive(self._lock):
            self.save(replace(self.load(), name=name))

    def keep_pending(self, pending: PendingPin) -> bool:
        """Keep a PIN that is to be ordered beside the one in use; raises as ``load``.

        False when the outcome of another order is not known yet.
        """
        with exclusive(self._lock):
            identity = self.load()
            if identity.pending_pin is not None:
                return False
            self.save(replace(identity, pending_pin=pending))
            return True

    def settle_pin(self, jti: str, *, counts: bool) -> None:
        """Take the pending PIN, or drop it; nothing if this order is not the pending one."""
        with exclusive(self._lock):
            identity = self.load()
            pending = identity.pending_pin
            if pending is not None and pending.jti == jti:
                pin_key = pending.pin_key if counts else identity.pin_key
                self.save(replace(identity, pin_key=pin_key, pending_pin=None))

    def keep_passkey(self, passkey: SoftwarePasskey) -> None:
        """Keep a passkey that is to be registered; raises as ``load``."""
        with exclusive(self._lock):
            identity = self.load()
            self.save(replace(identity, passkeys=(*identity.passkeys, passkey)))

    def settle_passkeys(self, registered: Collection[str]) -> None:
        """Drop every passkey that the service does not know, and use the others; as ``load``."""
        with exclusive(self._lock):
            identity = self.load()
            known = tuple(
                replace(each, registered=True)
                for each in identity.passkeys
                if each.passkey_id in registered
            )
            self.save(replace(identity, passkeys=known))

    def settle_passkey(self, passkey_id: str, *, counts: bool) -> None:
        """Use a passkey from now on, or drop it; raises as ``load``."""
        with exclusive(self._lock):
            identity = self.load()
            settled = tuple(
                replace(each, registered=True) if each.passkey_id == passkey_id else each
                for each in identity.passkeys
                if counts or each.passkey_id != passkey_id
            )
            self.save(replace(identity, passkeys=settled))

    def use_passkey(self) -> SoftwarePasskey | None:
        """The newest that is registered, counted up on disk before it is used; as ``load``."""
        with exclusive(self._lock):
            identity = self.load()
            newest = next((each for each in reversed(identity.passkeys) if each.registered), None)
            if newest is None:
                return None
            used = replace(newest, sign_count=newest.sign_count + 1)
            passkeys = tuple(used if each is newest else each for each in identity.passkeys)
            self.save(replace(identity, passkeys=passkeys))
            return used

    def load(self) -> DeviceIdentity:
        """Read the phone back.

        Raises:
            NotEnrolled: There is none.
            KeystoreRefused: Others may read it, or it is damaged.
        """
        content = read_private(self._path)
        if content is None:
            raise NotEnrolled(
                f"No phone is enrolled in {self.directory}: run authenticator-sim enrol."
            )
        try:
            return _identity(decode_json(content, _StoredPhone))
        except (MalformedJson, jose.JoseRefused) as error:
            # No cause is chained: it could quote a key.
            raise KeystoreRefused(f"{self._path} is damaged.") from error


def _stored_pin(pending: PendingPin | None) -> _StoredPin | None:
    if pending is None:
        return None
    return _StoredPin(
        salt=jose.base64url(pending.pin_key.salt),
        wrapped=jose.base64url(pending.pin_key.wrapped),
        jti=pending.jti,
        order=pending.order,
    )


def _pending_pin(stored: _StoredPin | None) -> PendingPin | None:
    if stored is None:
        return None
    return PendingPin(
        pin_key=_wrapped(stored.salt, stored.wrapped), jti=stored.jti, order=stored.order
    )


def _stored_passkey(passkey: SoftwarePasskey) -> _StoredPasskey:
    return _StoredPasskey(
        passkey_id=passkey.passkey_id,
        key=jose.private_jwk(passkey.key),
        rp_id=passkey.rp_id,
        origin=passkey.origin,
        user_handle=passkey.user_handle,
        sign_count=passkey.sign_count,
        synced=passkey.synced,
        registered=passkey.registered,
    )


def _passkey(stored: _StoredPasskey) -> SoftwarePasskey:
    return SoftwarePasskey(
        passkey_id=stored.passkey_id,
        key=jose.import_private_key(stored.key),
        rp_id=stored.rp_id,
        origin=stored.origin,
        user_handle=stored.user_handle,
        sign_count=stored.sign_count,
        synced=stored.synced,
        registered=stored.registered,
    )


def _wrapped(salt_text: str, wrapped_text: str) -> WrappedPinKey:
    salt, wrapped = jose.decode_base64url(salt_text), jose.decode_base64url(wrapped_text)
    if (len(salt), len(wrapped)) != (SALT_BYTES, PIN_KEY_BYTES):
        raise jose.JoseRefused("not this format")
    return WrappedPinKey(salt=salt, wrapped=wrapped)


def _identity(stored: _StoredPhone) -> DeviceIdentity:
    if stored.format != _FORMAT:
        raise jose.JoseRefused("not this format")
    return DeviceIdentity(
        device_id=stored.device_id,
        issuer=stored.issuer,
        subject=stored.subject,
        name=stored.name,
        websocket=stored.websocket,
        messages=stored.messages,
        signing_key=jose.import_private_key(stored.signing_key),
        encryption_key=jose.import_private_key(stored.encryption_key),
        service_keys=stored.service_keys,
        pin_key=_wrapped(stored.pin_salt, stored.pin_key_wrapped),
        totp=verify_totp_parameters(stored.totp),
        keys_announced_at=stored.keys_announced_at,
        pending_pin=_pending_pin(stored.pending_pin),
        passkeys=tuple(map(_passkey, stored.passkeys)),
    )
