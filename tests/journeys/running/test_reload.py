"""A configuration taken over while the service runs: clients, users and operators."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import structs

from ciba_service.commands.serving.reloading import ConfigurationReload
from ciba_service.protocol.client.metadata import Client, register_client
from ciba_service.protocol.jose.keys import KeySet
from ciba_service.protocol.request.authorization_details.registry import DetailTypes
from ciba_service.settings import InvalidSettingsError, Settings, UserSettings, parse_settings
from ciba_service.wiring.running.reloading import Reloaded
from tests.journeys.delivery.test_long_polling import held
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.unit.protocol.client.certificates.authority import CA, common_name, issue, key
from tests.wire.client import WireClient
from tests.wire.operator import Operators, new_tokens, operating, operators_section
from tests.wire.phone import WirePhone
from tests.wire.signing import new_key, public_jwk

NOTHING_CHANGED = Reloaded(clients=2, users=2, operators=0, needs_restart=())


def registered(client: WireClient, **changed: object) -> Client:
    """A client as the configuration has it."""
    return register_client({**client.registration(), **changed})


def joined(service: RunningService, client: WireClient) -> WireClient:
    """A client that knows where the service is."""
    client.issuer, client.clock, client.http = service.issuer, service.clock, service.http
    return client


def reload(service: RunningService, **changed: object) -> Reloaded:
    """Take over the same configuration, but for ``changed``."""
    return service.service.reload(structs.replace(service.settings, **changed))


async def test_the_same_configuration_changes_nothing(service: RunningService):
    """And says that nothing needs a restart."""
    assert reload(service) == NOTHING_CHANGED
    assert (await service.till.start()).json()["error"] == "unknown_user_id"


async def test_a_new_client_is_there_and_told_of(service: RunningService, phone: WirePhone):
    """It may ask at once, and the metadata names what it may ask for."""
    newcomer = joined(service, WireClient("newcomer", metadata={"scope": "openid loans"}))
    assert (await newcomer.start()).json()["error"] == "invalid_client"
    clients = (*service.settings.clients, registered(newcomer))
    assert reload(service, clients=clients).clients == 3
    auth_req_id = await newcomer.started(scope="openid loans")
    assert (await phone.approve_next())["type"] == "accepted"
    assert (await newcomer.poll(auth_req_id)).status_code == 200
    metadata = (await service.http.get("/.well-known/openid-configuration")).json()
    assert "loans" in metadata["scopes_supported"]


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_disabled_or_removed_client_is_refused_from_then_on(
    service: RunningService, phone: WirePhone, *, is_kept: bool
):
    """New requests, polls of pending ones, and approvals that come too late."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    others = [each for each in service.settings.clients if each.client_id != "till"]
    if is_kept:
        others.append(registered(service.till, enabled=False))
    reload(service, clients=tuple(others))
    for answer in (await service.till.start(), await service.till.poll(auth_req_id)):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    decided = await phone.send({"type": "decide", "decision": phone.approval(challenge)})
    (told,) = decided.json()["messages"]
    assert (told["type"], told["reason"]) == ("refused", "not_open")


async def test_what_is_under_way_is_not_dropped(service: RunningService, phone: WirePhone):
    """A poll that waits goes on waiting, and gets the tokens of whoever is still there."""
    auth_req_id = await service.till.started()
    (challenge,) = await phone.fetch()
    async with held(service, auth_req_id) as poll:
        reload(service)
        await phone.send({"type": "decide", "decision": phone.approval(challenge)})
        assert (await poll).status_code == 200


async def test_users_come_and_go(service: RunningService, phone: WirePhone):
    """A new one is found by new names; one that was removed is unknown, and decides no more."""
    assert phone.device_id
    await service.till.started()
    (challenge,) = await phone.fetch()
    carol = UserSettings(sub="carol", login_hints=("carol@example.org",))
    reload(service, users=(carol,))
    decided = await phone.send({"type": "decide", "decision": phone.approval(challenge)})
    assert decided.json()["messages"][0]["reason"] == "not_open"
    answer = await service.till.start()
    assert answer.json()["error"] == "unknown_user_id"
    await service.enrolled_phone("carol")
    await service.till.started(login_hint="carol@example.org")


async def test_what_needs_a_restart_is_said_and_left(service: RunningService):
    """A listener, the store, limits: whatever was changed in vain is named."""
    settings = service.settings
    old_port = settings.server.port
    changed = reload(
        service,
        server=structs.replace(settings.server, port=1),
        limits=structs.replace(settings.limits, hint_requests=1),
        operators=parse_operators(),
    )
    assert changed.needs_restart == ("server", "limits", "operators")
    assert changed.operators == 0
    assert service.settings.server.port == old_port
    assert service.service.operator_app is None


async def test_an_activation_code_that_was_preset_in_vain_is_told_of(service: RunningService):
    """Its user is there at once, and the code with the next start only."""
    with_code = UserSettings(sub="erin", activation_code="ERIN-PHONE-ONE")
    users = (*service.settings.users, with_code)
    told = replace(NOTHING_CHANGED, users=len(users), needs_restart=("users",))
    assert [reload(service, users=users) for _ in range(2)] == [told, told]
    assert reload(service) == NOTHING_CHANGED


async def test_a_key_that_was_taken_away_in_vain_is_told_of(
    run_service: ServiceRunner, till: WireClient
):
    """Whoever issues login hint tokens does so until a restart: also with a key that was stolen."""
    stolen, fresh = ({"keys": [public_jwk(new_key())]} for _ in range(2))
    issuer = {"iss": "https://finder.example", "jwks": stolen}
    async with run_service(clients=[till], hint_issuers=[issuer]) as service:
        (known,) = service.settings.login_hint_issuers
        for jwks, told in ((stolen, ()), (fresh, ("login_hint_issuers",))):
            changed = replace(known, keys=KeySet.parse(jwks))
            assert reload(service, login_hint_issuers=(changed,)).needs_restart == told
        fewer = replace(known, single_use=True)
        assert reload(service, login_hint_issuers=(fewer,)).needs_restart == ("login_hint_issuers",)


async def test_files_that_were_replaced_in_vain_are_told_of(
    run_service: ServiceRunner, till: WireClient, tmp_path: Path
):
    """A certificate is renewed, or an authority taken away, under the name that it had."""
    file = tmp_path / "authorities.pem"
    before, after = (authority(name) for name in ("before", "after"))
    file.write_bytes(before)
    mtls = {"base_url": "https://mtls.example", "proxies": ["127.0.0.1"], "authorities": str(file)}
    async with run_service(clients=[till], sections={"mtls": mtls}) as service:
        for content, told in ((before, ()), (after, ("mtls",)), (before, ())):
            file.write_bytes(content)
            assert reload(service).needs_restart == told
        file.unlink()
        assert reload(service).needs_restart == ("mtls",)


def authority(name: str) -> bytes:
    """The certificate of an authority."""
    own, key_pair = common_name(name), key(owner=name)
    certificate = issue(own, key_pair, issuer=own, signing_key=key_pair, extensions=(CA,))
    return certificate.public_bytes(Encoding.PEM)


async def test_a_type_of_details_that_is_shown_otherwise_needs_a_restart(service: RunningService):
    """Not only another one."""
    known = service.settings.detail_types
    name, declared = next(iter(known.declared.items()))
    weaker = replace(declared, strong_authentication=not declared.strong_authentication)
    assert reload(service, detail_types=DetailTypes(dict(known.declared))).needs_restart == ()
    changed = DetailTypes({**known.declared, name: weaker})
    assert reload(service, detail_types=changed).needs_restart == ("detail_types",)


def parse_operators() -> object:
    """An operator, as the configuration has one."""
    text = (
        '[server]\nissuer = "http://127.0.0.1:1"\n[[operators]]\nname = "one"\nroles = ["read"]\n'
    )
    tokens = f'tokens = [{{sha256 = "{"0" * 64}"}}]\n'
    return parse_settings(text + tokens, {}).operators


@pytest.fixture
async def operators(
    run_service: ServiceRunner, till: WireClient
) -> AsyncIterator[tuple[Operators, dict[str, str]]]:
    """A service with operators."""
    tokens = new_tokens()
    sections = {"operators": operators_section(tokens)}
    async with (
        run_service(clients=[till], sections=sections) as running,
        operating(running, tokens) as there,
    ):
        yield there, tokens


async def test_operators_come_and_go(operators: tuple[Operators, dict[str, str]]):
    """The token of one who was removed is refused, and lists show the users there are now."""
    there, _ = operators
    service = there.service
    assert (await there.ask("GET", "/users")).status_code == 200
    kept = tuple(each for each in service.settings.operators if each.name == "reader")
    carol = UserSettings(sub="carol")
    assert reload(service, operators=kept, users=(carol,)).operators == 1
    assert (await there.ask("GET", "/users")).status_code == 401
    listed = await there.get("/users")
    assert [each["sub"] for each in listed["items"]] == ["carol"]


async def test_the_last_operator_goes_at_once(operators: tuple[Operators, dict[str, str]]):
    """Whoever has a stolen token is not let in until a restart, though the listener is there."""
    there, _ = operators
    assert (await there.ask("GET", "/users")).status_code == 200
    before = there.service.settings.operators
    gone = reload(there.service, operators=())
    assert (gone.operators, gone.needs_restart) == (0, ("operators",))
    assert (await there.ask("GET", "/users")).status_code == 401
    assert reload(there.service, operators=before).needs_restart == ()
    assert (await there.ask("GET", "/users")).status_code == 200


class Applied:
    """Notes what is taken over."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []

    def __call__(self, settings: Settings) -> Reloaded:
        """Take it over."""
        self.settings.append(settings)
        return Reloaded(clients=1, users=2, operators=0, needs_restart=("server",))


@asynccontextmanager
async def reloading(
    read: Callable[[], Settings], applied: Applied, telemetry: RecordingTelemetry
) -> AsyncIterator[ConfigurationReload]:
    """What waits for hangups, running."""
    waiting = ConfigurationReload(read, applied, telemetry)
    task = asyncio.create_task(waiting.run())
    try:
        yield waiting
    finally:
        task.cancel()
        await asyncio.wait({task})


def development(tmp_path: Path) -> Settings:
    """A configuration whose keys are in a directory of their own."""
    text = f'[server]\nissuer = "http://127.0.0.1:1"\n[keys]\ndirectory = "{tmp_path / "keys"}"\n'
    return parse_settings(text, {})


async def test_a_wrong_configuration_changes_nothing_and_is_named(
    service: RunningService, tmp_path: Path
):
    """The log says which key and why; keys that are missing are as wrong."""
    applied, telemetry = Applied(), RecordingTelemetry()
    answers = [InvalidSettingsError("clients[0]: client_id is missing"), None]

    def read() -> Settings:
        error = answers.pop(0)
        if error is not None:
            raise error
        return development(tmp_path)

    assert service.settings.clients
    async with reloading(read, applied, telemetry) as waiting:
        waiting.ask()
        first = await telemetry.failed("configuration_refused")
        assert "clients[0]: client_id is missing" in str(first.fields["error"])
        waiting.ask()
        async with asyncio.timeout(10):
            while len(telemetry.failures) < 2:
                await telemetry.next()
        assert "keys" in str(telemetry.failures[1].fields["error"])
    assert applied.settings == []


async def test_a_hangup_while_it_reads_makes_it_read_again(service: RunningService):
    """Whoever changed the file meanwhile has not sent the second signal in vain."""
    applied, telemetry = Applied(), RecordingTelemetry()
    may_go_on, reads = threading.Event(), list[int]()
    keys = structs.replace(service.settings.keys, directory=str(service.keys.directory))
    settings = structs.replace(service.settings, keys=keys)

    def read(began: Callable[[], object]) -> Settings:
        reads.append(1)
        began()
        assert may_go_on.wait(10)
        return settings

    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    began = partial(loop.call_soon_threadsafe, begun.set)
    async with reloading(partial(read, began), applied, telemetry) as waiting:
        waiting.ask()
        await begun.wait()
        waiting.ask()
        may_go_on.set()
        last = await telemetry.seen("configuration_reloaded", 2)
    assert len(reads) == len(applied.settings) == 2
    assert last.fields == {"clients": 1, "users": 2, "operators": 0, "needs_restart": ["server"]}
