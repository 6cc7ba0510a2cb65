"""Taking over a new configuration while the service runs: clients, users and operators.

Whatever looks up a client or a user afterwards finds the new one, the account gate included; what
is under way keeps what it began with. Everything else in a configuration needs a restart.
"""

from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final

from msgspec import structs
from starlette.types import ASGIApp, Receive, Scope, Send

from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.metadata import ProviderMetadata
from ciba_service.settings import Settings, file_digests
from ciba_service.wiring.doors.oauth_door import published_metadata
from ciba_service.wiring.parts import Parts, configured_users

__all__ = ["Reloaded", "ReloadedApp", "Reloading"]

# Derived from other tables, without a way to tell as a whole that they are the same.
_DERIVED: Final = frozenset({"login_hint_issuers", "statement_issuers", "detail_types"})
_NO_KEYS: Final = KeySet(())
_RELOADED: Final = frozenset({"clients", "users", "operators"})


@dataclass(frozen=True, slots=True)
class Reloaded:
    """How many there are now, and which sections were changed in vain."""

    clients: int
    users: int
    operators: int
    needs_restart: tuple[str, ...]


class ReloadedApp:
    """The operators' application: the one that is current when a request comes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request by it."""
        await self.app(scope, receive, send)


class Reloading:
    """Puts new clients, users and operators in the place of the old."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.metadata: ProviderMetadata = published_metadata(parts)
        has_listener = bool(parts.settings.operators)
        self.operators = ReloadedApp(_operator_app(parts)) if has_listener else None
        self._files = file_digests(parts.settings)
        self._presets = _presets(parts.settings)

    def apply(self, new: Settings) -> Reloaded:
        """Take over what can be, all of it at once; ``new`` was found valid."""
        old = self._parts.settings
        changed = _changed(old, new) | self._sections_of_changed_files(new)
        restart = [name for name in _sections(old) if name in changed]
        if _presets(new) != self._presets:
            restart.append("users")  # Preset activation codes are put in place at the start only.
        operators = new.operators
        if bool(operators) != (self.operators is not None):
            restart.append("operators")  # A listener begins or ends with the process only.
        if self.operators is None:
            operators = ()
        settings = structs.replace(old, clients=new.clients, users=new.users, operators=operators)
        parts = replace(self._parts, settings=settings)
        metadata = published_metadata(parts)
        app = None if self.operators is None else _operator_app(parts)
        users = configured_users(settings, parts.keys, parts.surroundings)
        # Nothing above changes anything, and nothing below can fail.
        self._parts, self.metadata = parts, metadata
        parts.configured.replace(settings.clients)
        parts.user_list.replace(users)
        if self.operators is not None and app is not None:
            self.operators.app = app
        return Reloaded(len(settings.clients), len(settings.users), len(operators), tuple(restart))

    def _sections_of_changed_files(self, new: Settings) -> frozenset[str]:
        """A certificate may be renewed, or an authority taken away, where it was."""
        found = file_digests(new)
        return frozenset(name for name, digest in self._files.items() if found[name] != digest)


def _operator_app(parts: Parts) -> ASGIApp:
    """What operators ask; none of it is imported where there are none."""
    app: ASGIApp = import_module("ciba_service.wiring.doors.operator_door").operator_app(parts)
    return app


def _sections(settings: Settings) -> tuple[str, ...]:
    return settings.__struct_fields__


def _changed(old: Settings, new: Settings) -> frozenset[str]:
    """Names of sections that are not as they were, and are not reloaded."""
    changed = {
        name
        for name in _sections(old)
        if name not in _DERIVED | _RELOADED and getattr(old, name) != getattr(new, name)
    }
    if _hint_issuers(old) != _hint_issuers(new):
        changed.add("login_hint_issuers")
    if old.detail_types != new.detail_types:
        changed.add("detail_types")
    return frozenset(changed)


def _presets(settings: Settings) -> dict[str, str]:
    """The activation code that is preset for each user who has one."""
    return {each.sub: each.activation_code for each in settings.users if each.activation_code}


def _hint_issuers(settings: Settings) -> list[object]:
    """All that they are, their keys included: whoever takes one away has to know that it counts."""
    return [(replace(each, keys=_NO_KEYS), *each.keys) for each in settings.login_hint_issuers]
