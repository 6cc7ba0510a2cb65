"""The service inside an application of somebody else: mounted, run, ended, and given parts."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from ciba_service.clock import SystemClock
from ciba_service.embedding import (
    AccessToken,
    Client,
    Doors,
    EmbeddedService,
    FailureReason,
    Grant,
    GrantStatus,
    HasPhone,
    HostPorts,
    IdentifierKind,
    IdTokenClaims,
    InvalidSettingsError,
    NoGrant,
    OutboundFailure,
    OutboundRequest,
    OutboundResponse,
    ServiceKeys,
    ServiceNotRunning,
    ServiceNotStarted,
    Situation,
    StoreUnavailable,
    Surroundings,
    User,
    UserIdentifier,
    create_service,
    load_settings,
    new_token,
    register_client,
    system_surroundings,
)
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.sca.messages import LARGEST_FRAME, CloseCode
from ciba_service.stores.driver.target import RedisTarget
from tests.ports import free_port
from tests.redis.servers import flush_all, redis_server
from tests.services.host_kms import Kms
from tests.services.hosts import Host, serving_host, settings_for
from tests.services.recording_telemetry import RecordingTelemetry
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.signing import claims_of

ALICE = {"users": [{"sub": "alice"}]}


@dataclass
class Embedded:
    """A service in a host, and what it logs."""

    service: EmbeddedService
    host: Host
    telemetry: RecordingTelemetry

    async def phone(self, subject: str = "alice") -> WirePhone:
        """An enrolled phone."""
        issued = await self.service.people.activate(subject)
        return await self.host.phone.enrol(issued.code)


Embed = Callable[..., AbstractAsyncContextManager[Embedded]]


@pytest.fixture
async def embed(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory, till: WireClient
) -> Embed:
    """Embed a service in a host with nothing of its own."""
    await flush_all(embedded_target)

    @asynccontextmanager
    async def embedding(
        path: str = "/ciba",
        *,
        is_run: bool = True,
        ports: HostPorts | None = None,
        doors: Doors = Doors.WHOLE,
        surroundings: Surroundings | None = None,
        keys: ServiceKeys | None = None,
        **sections: Any,
    ) -> AsyncIterator[Embedded]:
        port, telemetry, clock = free_port(), RecordingTelemetry(), SystemClock()
        issuer = f"http://127.0.0.1:{port}{path}"
        key_files = tmp_path_factory.getbasetemp() / "keys"
        settings = settings_for(
            embedded_target, key_files, issuer, **{"clients": [till.registration()], **sections}
        )
        service = create_service(
            settings,
            ports=ports or HostPorts(),
            doors=doors,
            surroundings=surroundings
            or Surroundings(
                clock=clock, store_clock=clock, random=secrets.token_bytes, telemetry=telemetry
            ),
            keys=keys,
        )
        app = Starlette(routes=service.routes, lifespan=service.lifespan if is_run else None)
        async with serving_host(app, port, path) as host:
            host.lend(till)
            yield Embedded(service, host, telemetry)

    return embedding


async def granted(embedded: Embedded, till: WireClient, **claims: Any) -> dict[str, Any]:
    """The tokens of a request that Alice approved."""
    phone = await embedded.phone()
    auth_req_id = await till.started(**claims)
    await phone.approve_next()
    answer = await till.poll(auth_req_id)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.clause("rfc8414-3.3-1")
@pytest.mark.parametrize("path", ["", "/ciba", "/idp/ciba"])
async def test_a_whole_flow_below_any_path(embed: Embed, till: WireClient, path: str):
    """Enrolment, socket, request and tokens, wherever the issuer says."""
    async with embed(path, **ALICE) as embedded:
        phone = await embedded.phone()
        async with phone.online() as socket:
            assert socket.first == []
        metadata = (await embedded.host.http.get("/.well-known/openid-configuration")).json()
        assert metadata["issuer"] == embedded.host.issuer
        endpoint = embedded.service.backchannel_authentication_endpoint
        assert endpoint == metadata["backchannel_authentication_endpoint"]
        beside = f"{embedded.host.url}/.well-known/oauth-authorization-server{path}"
        assert (await embedded.host.http.get(beside)).json() == metadata
        auth_req_id = await till.started()
        await phone.approve_next()
        assert (await till.poll(auth_req_id)).status_code == 200
        assert embedded.telemetry.failures == []


async def test_a_host_that_forgot_to_run_it_is_told(embed: Embed, till: WireClient):
    """503 at once, for sockets as well, and one line that says what to do."""
    async with embed(is_run=False) as embedded:
        for _ in range(2):
            answer = await till.start()
            assert answer.status_code == 503
            assert answer.json()["error"] == "temporarily_unavailable"
            assert answer.headers["retry-after"]
        with pytest.raises(InvalidStatus):
            async with embedded.host.phone.raw_socket():
                pass
        (told,) = embedded.telemetry.failures
        assert told.name == "service_not_running"
        assert "lifespan=service.lifespan" in str(told.fields["error"])
        with pytest.raises(ServiceNotRunning):
            await embedded.phone()


async def test_a_frame_that_the_hosts_server_let_in_is_bounded_all_the_same(embed: Embed):
    """16 KiB, whatever the server in front takes."""
    async with embed(**ALICE) as embedded:
        phone = await embedded.phone()
        asking = json.dumps({"type": "list_devices"})
        async with phone.online() as socket:
            await socket.raw.send(asking.ljust(LARGEST_FRAME))
            await socket.next("devices")
            await socket.raw.send(asking.ljust(LARGEST_FRAME + 1))
            with pytest.raises(ConnectionClosedError) as closed:
                await socket.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == CloseCode.MALFORMED


async def test_it_ends_and_begins_again(embed: Embed, till: WireClient):
    """What was pending is still there; in between whoever asks is told to come back."""
    async with embed(is_run=False, **ALICE) as embedded:
        async with embedded.service.running():
            phone = await embedded.phone()
            auth_req_id = await till.started()
            with pytest.raises(RuntimeError):
                async with embedded.service.running():
                    pass
        assert (await till.poll(auth_req_id)).status_code == 503
        async with embedded.service.running():
            await phone.approve_next()
            assert (await till.poll(auth_req_id)).status_code == 200


async def test_a_held_poll_does_not_hold_up_the_end(embed: Embed, till: WireClient):
    """It is answered as pending when the service ends."""
    async with embed(is_run=False, **ALICE) as embedded, embedded.service.running():
        await embedded.phone()
        form = {"auth_req_id": await till.started(), **till.credentials()}
        form["grant_type"] = "urn:openid:params:grant-type:ciba"
        held = asyncio.create_task(till.post("/token", form, headers={"prefer": "wait=25"}))
        async with asyncio.timeout(10):
            while not embedded.service._built.held.held:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.005)
        embedded.service.release()
        assert (await held).json()["error"] == "authorization_pending"


async def test_it_can_be_served_alone(
    embedded_target: RedisTarget, tmp_path_factory: pytest.TempPathFactory
):
    """A server that is given the application itself runs its lifespan."""
    port = free_port()
    keys = tmp_path_factory.getbasetemp() / "keys"
    settings = settings_for(embedded_target, keys, f"http://127.0.0.1:{port}")
    service = create_service(settings)
    async with serving_host(service.app, port) as host:
        await asyncio.wait_for(service._running.stores.subscription.ready.wait(), 10)
        assert (await host.http.get("/readyz")).json() == {"status": "ready"}
        assert await service.missing() is None
    assert await service.missing() == "service"


async def test_two_services_in_one_process_know_nothing_of_each_other(
    embed: Embed, till: WireClient, tmp_path: Path
):
    """Each has a store, an issuer and phones of its own."""
    apart = {"store": {"data_directory": str(tmp_path / "data")}}
    async with embed("/one", **ALICE) as one, embed("/two", **ALICE, **apart) as two:
        one.host.lend(till)
        phone = await one.phone()
        auth_req_id = await till.started()
        await two.phone()
        two.host.lend(till)
        assert (await till.poll(auth_req_id)).json()["error"] == "invalid_grant"
        one.host.lend(till)
        await phone.approve_next()
        assert (await till.poll(auth_req_id)).status_code == 200


async def test_a_service_without_a_store_does_not_start(tmp_path: Path):
    """The host's start fails with a sentence."""
    settings = {
        "server": {"issuer": "http://127.0.0.1:1"},
        "store": {"url": f"unix://{tmp_path}/nothing", "data_directory": str(tmp_path)},
    }
    with pytest.raises(ServiceNotStarted, match="nothing"):
        async with create_service(settings).running():
            pass


async def test_a_store_that_takes_no_writes_is_none(tmp_path: Path):
    """It answers, and refuses the preset code of a user: the host hears of it as of any other."""
    users = [{"sub": "alice", "activation_code": "ABCD-EFGH-0001"}]
    with redis_server("--min-replicas-to-write", "1") as target:
        store = {"url": f"redis://127.0.0.1:{target.addresses[0].port}", "deadline_ms": 200}
        settings = settings_for(
            target, tmp_path / "keys", "http://127.0.0.1:1", more_store=store, users=users
        )
        with pytest.raises(ServiceNotStarted, match="did not answer in time"):
            async with create_service(settings).running():
                pass


@pytest.mark.parametrize("fault", [StoreUnavailable("later"), LookupError("the host's own")])
async def test_what_the_host_raises_meanwhile_reaches_it_as_it_is(
    embedded_target: RedisTarget, tmp_path: Path, fault: Exception
):
    """Neither as one of a group, nor as a failure of the service."""
    settings = settings_for(embedded_target, tmp_path / "keys", "http://127.0.0.1:1")
    with pytest.raises(type(fault)) as raised:
        async with create_service(settings).running():
            raise fault
    assert raised.value is fault


def test_wrong_settings_are_named(tmp_path: Path):
    """At once, when the service is made, whether they are a mapping or a file."""
    with pytest.raises(InvalidSettingsError, match="issuer"):
        create_service({"server": {"issuer": "http://bank.example"}})
    with pytest.raises(InvalidSettingsError, match="prot"):
        create_service({"server": {"issuer": "http://127.0.0.1:1", "prot": 1}})
    file = tmp_path / "ciba.toml"
    file.write_text('[server]\nissuer = "http://127.0.0.1:1"\n', "utf-8")
    service = create_service(load_settings(file, {}))
    assert service.settings.server.issuer == "http://127.0.0.1:1"


# --- Only the approval backend ---


async def test_a_backend_has_no_tokens_and_no_metadata(embed: Embed, till: WireClient):
    """Phones and requests are served, and whatever a host has of its own is not."""
    async with embed(doors=Doors.APPROVAL_BACKEND, **ALICE) as embedded:
        phone = await embedded.phone()
        auth_req_id = await till.started()
        await phone.approve_next()
        assert (await till.poll(auth_req_id)).json()["error"] == "not_found"
        for path in ("/.well-known/openid-configuration", "/jwks", "/userinfo", "/openapi.json"):
            assert (await embedded.host.http.get(path)).status_code == 404
        assert (await till.cancel(auth_req_id)).status_code == 204


def test_a_backend_pushes_no_tokens(till: WireClient):
    """A client that would be pushed tokens of ours is refused at the start."""
    pushed = {
        **till.registration(),
        "backchannel_token_delivery_mode": "push",
        "backchannel_client_notification_endpoint": "https://till.example/push",
    }
    settings = {"server": {"issuer": "http://127.0.0.1:1"}, "clients": [pushed]}
    with pytest.raises(InvalidSettingsError, match="till"):
        create_service(settings, doors=Doors.APPROVAL_BACKEND)


# --- Parts of the host ---


@dataclass
class Directory:
    """The host's users; ``fault`` is what happens instead of an answer."""

    users: dict[str, User] = field(default_factory=lambda: {"alice": User("alice")})
    fault: Callable[[], Any] | None = None

    async def find(self, identifier: UserIdentifier) -> User | None:
        """By subject alone."""
        assert identifier.kind is IdentifierKind.NAME
        return await self.find_subject(identifier.value)

    async def find_subject(self, subject: str) -> User | None:
        """As it is now."""
        if self.fault is not None:
            await self.fault()
        return self.users.get(subject)


async def failing() -> NoReturn:
    """A database that is not there."""
    raise ConnectionError("alice is none of your business")


async def hanging() -> None:
    """A database that never answers."""
    await asyncio.Event().wait()


async def giving_up() -> NoReturn:
    """A driver that ends its own wait badly."""
    raise asyncio.CancelledError


async def test_users_are_those_of_the_host(embed: Embed, till: WireClient):
    """Whoever is disabled there while a request is pending gets no tokens."""
    directory = Directory()
    async with embed(ports=HostPorts(users=directory)) as embedded:
        phone = await embedded.phone()
        auth_req_id = await till.started()
        await phone.approve_next()
        directory.users["alice"] = User("alice", enabled=False)
        assert (await till.poll(auth_req_id)).json()["error"] == "access_denied"
        assert (await till.start(login_hint="bob")).json()["error"] == "unknown_user_id"


@pytest.mark.parametrize("fault", [failing, hanging, giving_up])
async def test_a_directory_that_fails_costs_nothing(
    embed: Embed, till: WireClient, fault: Callable[[], Any]
):
    """503 in bounded time and no word of why; the request is as it was."""
    directory = Directory()
    store = {"deadline_ms": 1_000}  # a busy machine has to answer within it, too
    async with embed(ports=HostPorts(users=directory), more_store=store) as embedded:
        phone = await embedded.phone()
        auth_req_id = await till.started()
        await phone.approve_next()
        directory.fault = fault
        for answer in (await till.poll(auth_req_id), await till.start()):
            assert answer.status_code == 503
            assert "alice" not in answer.text
        assert {each.name for each in embedded.telemetry.failures} == {"store_unavailable"}
        assert "alice" not in str(embedded.telemetry.failures)
        directory.fault = None
        assert (await till.poll(auth_req_id)).status_code == 200


@dataclass
class Registry:
    """The host's clients."""

    clients: dict[str, Client]

    async def find(self, client_id: str) -> Client | None:
        """As it is now."""
        return self.clients.get(client_id)


async def test_clients_are_those_of_the_host(
    embed: Embed, till: WireClient, other_till: WireClient
):
    """A client that the host adds is known at once; metadata is that of the kinds it names."""
    client = register_client(till.registration())
    registry = Registry({})
    ports = HostPorts(clients=registry, client_kinds=(client,))
    async with embed(ports=ports, clients=[other_till.registration()], **ALICE) as embedded:
        await embedded.phone()
        assert (await till.start()).json()["error"] == "invalid_client"
        registry.clients["till"] = client
        assert (await till.start()).status_code == 200
        embedded.host.lend(other_till)
        assert (await other_till.start()).json()["error"] == "invalid_client"
        metadata = (await embedded.host.http.get("/.well-known/openid-configuration")).json()
        assert metadata["scopes_supported"] == ["openid", "profile"]


@dataclass
class Press:
    """The host's tokens: they look as the host likes."""

    name: str | None = None
    pressed: list[IdTokenClaims] = field(default_factory=list)

    async def access_token(self, grant: Grant, token: AccessToken, client: Client) -> str:
        """A JWT, as the service sees it, of which it only reads ``txn``."""
        assert client.client_id == grant.client_id
        claims = {"txn": self.name or grant.txn, "jti": token.jti}
        parts = ({"alg": "none"}, claims)
        return ".".join([*(base64url(json.dumps(part).encode()) for part in parts), "c2ln"])

    async def id_token(self, claims: IdTokenClaims, client: Client) -> str:
        """Not even a JWT."""
        assert client.client_id == claims.aud
        self.pressed.append(claims)
        return "identity"


async def test_tokens_are_written_by_the_host(embed: Embed, till: WireClient):
    """They are looked up by their text, and end as any other."""
    press = Press()
    async with embed(ports=HostPorts(tokens=press), **ALICE) as embedded:
        tokens = await granted(embedded, till)
        assert tokens["id_token"] == "identity"
        assert press.pressed[0].sub == "alice"
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        assert (await embedded.host.http.get("/userinfo", headers=bearer)).json() == {
            "sub": "alice"
        }
        revoking = {"token": tokens["access_token"], **till.credentials()}
        assert (await till.post("/revoke", revoking)).status_code == 200
        assert (await embedded.host.http.get("/userinfo", headers=bearer)).status_code == 401


class OpaquePress(Press):
    """The host's tokens, which say nothing."""

    async def access_token(self, grant: Grant, *_: object) -> str:
        """The name of its transaction and chance."""
        return new_token(grant.txn, secrets.token_bytes)


async def test_a_token_of_the_host_may_say_nothing(embed: Embed, till: WireClient):
    """It is found as one of the service's own opaque tokens is."""
    async with embed(ports=HostPorts(tokens=OpaquePress()), **ALICE) as embedded:
        tokens = await granted(embedded, till)
        assert "." not in tokens["access_token"]
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        answer = await embedded.host.http.get("/userinfo", headers=bearer)
        assert answer.json() == {"sub": "alice"}


class WithCode:
    """A rule of the host: whatever is asked needs a one-time code."""

    def needs_one_time_code(self, situation: Situation) -> bool:
        """Always."""
        return situation.client_id == "till"


async def test_a_host_adds_a_rule_of_risk_to_what_the_system_has(embed: Embed, till: WireClient):
    """Clock, chance and log stay those of the service."""
    surroundings = replace(system_surroundings(), risk=WithCode())
    async with embed(surroundings=surroundings, **ALICE) as embedded:
        phone = await embedded.phone()
        await till.started()
        (challenge,) = await phone.fetch()
        assert claims_of(challenge)["factors"] == ["device_key", "pin", "otp"]


async def test_a_token_that_nobody_could_look_up_is_not_issued(embed: Embed, till: WireClient):
    """503, and the grant is there once the host writes what can be found."""
    press = Press(name="A" * 22)
    async with embed(ports=HostPorts(tokens=press), **ALICE) as embedded:
        phone = await embedded.phone()
        auth_req_id = await till.started()
        await phone.approve_next()
        assert (await till.poll(auth_req_id)).status_code == 503
        assert [each.name for each in embedded.telemetry.failures] == ["signer_unavailable"]
        press.name = None
        assert (await till.poll(auth_req_id)).status_code == 200


async def test_keys_are_where_the_host_has_them(embed: Embed, till: WireClient):
    """A key of the host signs the tokens, and another is pinned by phones."""
    kms = Kms()
    async with embed(keys=kms, **ALICE) as embedded:
        tokens = await granted(embedded, till)
        assert claims_of(tokens["id_token"])["sub"] == "alice"
        published = (await embedded.host.http.get("/jwks")).json()["keys"]
        assert published == kms.public_jwks()
        jws.deserialize_compact(tokens["id_token"], ECKey.import_key(published[0]))


@dataclass
class Carrier:
    """The host's way to its clients."""

    carried: asyncio.Queue[OutboundRequest] = field(default_factory=asyncio.Queue)

    async def send(self, request: OutboundRequest) -> OutboundResponse:
        """It has arrived."""
        self.carried.put_nowait(request)
        return OutboundResponse(status=204)


async def test_clients_are_called_back_by_the_host(embed: Embed, till: WireClient):
    """The ping goes by the host's way, and is made once."""
    carrier = Carrier()
    pinged = {
        **till.registration(),
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://till.example/ping",
    }
    async with embed(ports=HostPorts(notifier=carrier), clients=[pinged], **ALICE) as embedded:
        phone = await embedded.phone()
        auth_req_id = await till.started(client_notification_token="a" * 32)
        await phone.approve_next()
        request = await asyncio.wait_for(carrier.carried.get(), 10)
        assert request.url == "https://till.example/ping"
        assert request.authorization == f"Bearer {'a' * 32}"
        assert json.loads(request.body) == {"auth_req_id": auth_req_id}
        assert (await till.poll(auth_req_id)).status_code == 200


class NoWay:
    """The host reaches no client."""

    async def send(self, _: OutboundRequest) -> OutboundFailure:
        """Nobody is there."""
        return OutboundFailure(FailureReason.CONNECT_FAILED, "nobody listens")


async def test_a_host_says_why_a_client_was_not_called(embed: Embed, till: WireClient):
    """It stands in the log, and the callback is made again."""
    pinged = {
        **till.registration(),
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://till.example/ping",
    }
    async with embed(ports=HostPorts(notifier=NoWay()), clients=[pinged], **ALICE) as embedded:
        phone = await embedded.phone()
        await till.started(client_notification_token="a" * 32)
        await phone.approve_next()
        attempted = await embedded.telemetry.seen("callback_attempted")
        assert attempted.fields["failure"] == "connect_failed"


async def test_a_host_looks_after_its_people(embed: Embed, till: WireClient):
    """One phone at first, a further one on demand, and a new beginning after a loss."""
    async with embed(**ALICE) as embedded:
        await embedded.phone()
        people = embedded.service.people
        with pytest.raises(HasPhone):
            await people.activate("alice")
        assert (await people.activate("alice", further=True)).further
        await people.unlock("alice")
        code = (await people.reset("alice")).code
        assert (await till.start()).json()["error"] == "unknown_user_id"
        assert code


# --- A token endpoint of the host ---


async def test_a_host_waits_for_the_decision_and_takes_the_grant_once(
    embed: Embed, till: WireClient
):
    """One call; the second one finds it redeemed, and what is redeemed is not cancelled."""
    async with embed(doors=Doors.APPROVAL_BACKEND, **ALICE) as embedded:
        phone, grants = await embedded.phone(), embedded.service.grants
        auth_req_id = await till.started()
        waiting = asyncio.create_task(grants.redeem("till", auth_req_id, wait=20))
        (challenge,) = await phone.fetch()
        await phone.decide(phone.approval(challenge))
        granted = await waiting
        assert isinstance(granted, Grant)
        assert (granted.subject, granted.client_id) == ("alice", "till")
        again = await grants.redeem("till", auth_req_id)
        assert isinstance(again, NoGrant)
        assert (again.status, again.error.error) == (GrantStatus.INVALID, "invalid_grant")
        assert await grants.cancel("till", auth_req_id) is GrantStatus.SETTLED
        pending = await till.started()
        assert await grants.cancel("till", pending) is GrantStatus.CANCELLED
        assert await phone.fetch() == []


async def test_nothing_is_redeemed_for_a_client_that_has_gone(embed: Embed, till: WireClient):
    """The host says so, and the grant is there for the next poll."""
    gone = asyncio.Event()
    async with embed(doors=Doors.APPROVAL_BACKEND, **ALICE) as embedded:
        phone, grants = await embedded.phone(), embedded.service.grants
        auth_req_id = await till.started()
        waiting = asyncio.create_task(
            grants.redeem("till", auth_req_id, wait=20, until_gone=gone.wait)
        )
        (challenge,) = await phone.fetch()
        gone.set()
        told = await waiting
        assert isinstance(told, NoGrant)
        assert told.status is GrantStatus.PENDING
        await phone.decide(phone.approval(challenge))
        assert isinstance(await grants.redeem("till", auth_req_id), Grant)


async def test_whoever_does_not_run_has_no_grants_and_nothing_to_release(embed: Embed):
    """The host is told in its own code as well."""
    async with embed(is_run=False) as embedded:
        embedded.service.release()
        with pytest.raises(ServiceNotRunning):
            _ = embedded.service.grants
