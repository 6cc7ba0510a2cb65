"""The composition root: the one place that knows everything and builds the service by hand."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from ciba_service.channels.hub import SocketHub
from ciba_service.endpoints.device.enrolments import EnrolmentEndpoint
from ciba_service.endpoints.device.messages import DeviceMessagesEndpoint, nonce_route
from ciba_service.endpoints.device.socket import DeviceSocket, SocketSteps
from ciba_service.endpoints.health import Health
from ciba_service.endpoints.oauth.backchannel import BackchannelAuthenticationEndpoint
from ciba_service.endpoints.oauth.token import TokenEndpoint
from ciba_service.endpoints.outermost import Outermost
from ciba_service.endpoints.published import PublishedDocument
from ciba_service.flow.client_authentication import ClientAuthentication
from ciba_service.flow.conversation import Conversation
from ciba_service.flow.decision import Decisions
from ciba_service.flow.device_sessions import DeviceSessions
from ciba_service.flow.due_work import DueWorker
from ciba_service.flow.enrolment import DeviceAddresses, Enrolment
from ciba_service.flow.initiation import Initiation, InitiationPolicy
from ciba_service.flow.issuance import Issuance, TokenPolicy
from ciba_service.flow.open_challenges import OpenChallenges
from ciba_service.flow.redemption import Redemption
from ciba_service.ports import Clock, Randomness, Telemetry, User
from ciba_service.protocol.client.assertion import Audiences
from ciba_service.protocol.jose.algorithms import SignatureAlgorithm
from ciba_service.protocol.metadata import Endpoints, ProviderMetadata, provider_metadata
from ciba_service.protocol.names import OPENID_SCOPE, DeliveryMode
from ciba_service.protocol.profiles import PROFILES, ProfileName
from ciba_service.protocol.request.authorization_details import PAYMENT_INITIATION
from ciba_service.protocol.transaction.lifetime import RequestLifetime
from ciba_service.sca.activation import normal_code
from ciba_service.sca.nonces import Nonces
from ciba_service.sca.policy import ACR_TABLE
from ciba_service.settings import Settings
from ciba_service.store_access import OpenStore
from ciba_service.stores.activations import RedisActivations
from ciba_service.stores.attempts import RedisAttempts
from ciba_service.stores.broadcast import RedisBroadcast
from ciba_service.stores.configured import ConfiguredClients, ConfiguredUsers
from ciba_service.stores.devices import RedisDevices
from ciba_service.stores.driver.subscription import Subscription
from ciba_service.stores.due import RedisDueWork
from ciba_service.stores.health import RedisHealth
from ciba_service.stores.key_files import FileKeys
from ciba_service.stores.keys import hub_channels, partition_of, user_tag
from ciba_service.stores.operations import Operations
from ciba_service.stores.prompts import RedisPrompts
from ciba_service.stores.replay import RedisReplays
from ciba_service.stores.sealing import Sealer
from ciba_service.stores.transactions import RedisTransactions

__all__ = ["Service", "Stores", "Surroundings", "build_service", "build_stores"]

_RESTART_SECONDS = 1.0
_OPERATION_BYTES = 16


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests replace: time, chance and the log; ``store_clock`` paces retries on sockets."""

    clock: Clock
    store_clock: Clock
    random: Randomness
    telemetry: Telemetry

    def new_operation(self) -> str:
        """An operation id of 128 random bits; never a secret, so not from ``random``."""
        return secrets.token_urlsafe(_OPERATION_BYTES)


@dataclass(frozen=True, slots=True)
class Stores:
    """Every store, on one connection."""

    transactions: RedisTransactions
    replays: RedisReplays
    due: RedisDueWork
    prompts: RedisPrompts
    devices: RedisDevices
    attempts: RedisAttempts
    activations: RedisActivations
    broadcast: RedisBroadcast
    health: RedisHealth
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class Service:
    """The ASGI application, and its parts for those who embed it."""

    app: ASGIApp
    stores: Stores
    worker: DueWorker
    hub: SocketHub
    metadata: ProviderMetadata


def build_stores(
    settings: Settings, store: OpenStore, keys: FileKeys, surroundings: Surroundings
) -> Stores:
    """Put the stores on an open connection."""
    operations = Operations(
        store.commands, clock=surroundings.store_clock, deadline_ms=settings.store.deadline_ms
    )
    sealer = Sealer(keys.ring, surroundings.random)
    new_operation = surroundings.new_operation
    subscription = Subscription(store.target, store.commands, hub_channels())
    return Stores(
        transactions=RedisTransactions(operations, sealer),
        replays=RedisReplays(operations),
        due=RedisDueWork(operations, new_operation),
        prompts=RedisPrompts(operations, cap=settings.requests.open_prompts),
        devices=RedisDevices(operations, sealer, new_operation),
        attempts=RedisAttempts(operations),
        activations=RedisActivations(
            operations, sealer, random=surroundings.random, new_operation=new_operation
        ),
        broadcast=RedisBroadcast(operations, subscription),
        health=RedisHealth(operations),
        subscription=subscription,
    )


def build_service(
    settings: Settings, store: OpenStore, keys: FileKeys, surroundings: Surroundings
) -> Service:
    """Build the whole service; nothing runs before the application's lifespan begins."""
    stores = build_stores(settings, store, keys, surroundings)
    hub = SocketHub(stores.broadcast)
    worker = DueWorker(
        due=stores.due,
        transactions=stores.transactions,
        prompts=stores.prompts,
        attempts=stores.attempts,
        hub=hub,
        partition_of=partition_of,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    wiring = _Wiring(settings, stores, keys, surroundings, hub, worker)
    metadata = wiring.metadata()
    app = Starlette(
        routes=[*wiring.oauth_routes(metadata), *wiring.device_routes(), *wiring.health_routes()],
        exception_handlers={HTTPException: _http_exception},
        lifespan=wiring.lifespan,
    )
    app.router.redirect_slashes = False
    return Service(
        app=Outermost(app, surroundings.telemetry),
        stores=stores,
        worker=worker,
        hub=hub,
        metadata=metadata,
    )


@dataclass(frozen=True, slots=True)
class _Wiring:
    """What the parts share while they are put together."""

    settings: Settings
    stores: Stores
    keys: FileKeys
    surroundings: Surroundings
    hub: SocketHub
    worker: DueWorker

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(self.settings.server.issuer)

    @property
    def users(self) -> ConfiguredUsers:
        return ConfiguredUsers(
            (User(user.sub, enabled=user.enabled), user.login_hints) for user in self.settings.users
        )

    def metadata(self) -> ProviderMetadata:
        clients = self.settings.clients
        profiles = {client.profile.name for client in clients} or {ProfileName.CIBA_CORE}
        details = frozenset().union(*(client.authorization_details_types for client in clients))
        return provider_metadata(
            endpoints=self.endpoints,
            delivery_modes=frozenset({DeliveryMode.POLL}),
            client_algorithms=frozenset().union(*(PROFILES[name].algorithms for name in profiles)),
            id_token_algorithms=self.keys.token_algorithms,
            scopes=frozenset({OPENID_SCOPE}).union(*(client.scope for client in clients)),
            acr_values=tuple(ACR_TABLE),
            authorization_details_types=tuple(details & {PAYMENT_INITIATION}),
        )

    def oauth_routes(self, metadata: ProviderMetadata) -> list[Route]:
        endpoints, telemetry = self.endpoints, self.surroundings.telemetry
        document = PublishedDocument(metadata, telemetry)
        authentication = ClientAuthentication(
            clients=ConfiguredClients(self.settings.clients),
            replays=self.stores.replays,
            audiences=Audiences(
                endpoints.issuer, frozenset({endpoints.token, endpoints.backchannel})
            ),
            clock=self.surroundings.clock,
        )
        backchannel = BackchannelAuthenticationEndpoint(self._initiation(authentication), telemetry)
        token = TokenEndpoint(self._redemption(authentication), telemetry)
        jwks = PublishedDocument({"keys": self.keys.public_jwks()}, telemetry)
        return [
            Route(endpoints.path("/bc-authorize"), backchannel),
            Route(endpoints.path("/token"), token),
            Route(endpoints.path("/jwks"), jwks),
            Route(endpoints.openid_configuration_path, document),
            Route(endpoints.oauth_metadata_path, document),
        ]

    def device_routes(self) -> list[Route | WebSocketRoute]:
        endpoints, telemetry = self.endpoints, self.surroundings.telemetry
        sessions, conversation = self._sessions(), self._conversation()
        new_operation = self.surroundings.new_operation
        socket = DeviceSocket(
            SocketSteps(sessions, conversation, self.hub, new_operation),
            self.surroundings.clock,
            telemetry,
        )
        messages = DeviceMessagesEndpoint(sessions, conversation, new_operation, telemetry)
        return [
            Route(
                endpoints.path("/device/enrolments"),
                EnrolmentEndpoint(self._enrolment(), telemetry),
            ),
            Route(endpoints.path("/device/nonce"), nonce_route(sessions), methods=["GET"]),
            Route(endpoints.path("/device/messages"), messages),
            WebSocketRoute(endpoints.path("/device/ws"), socket),
        ]

    def health_routes(self) -> list[Route]:
        health = Health(
            store=self.stores.health,
            is_listening=self.stores.subscription.ready.is_set,
            clock=self.surroundings.store_clock,
        )
        return [
            Route("/healthz", health.live, methods=["GET"]),
            Route("/readyz", health.ready, methods=["GET"]),
        ]

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:  # noqa: ARG002 - Starlette
        for user in self.settings.users:
            if user.activation_code is not None:
                code = normal_code(user.activation_code)
                await self.stores.activations.put(code, user.sub, None, until=None)
        async with self.stores.subscription, asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._supervise("due_worker", self.worker.run)),
                tasks.create_task(self._supervise("device_hub", self.hub.run)),
            ]
            yield
            for task in running:
                task.cancel()

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await run()
            except Exception as defect:  # noqa: BLE001 - the supervisor of background tasks
                self.surroundings.telemetry.failure("task_failed", defect, task=name)
            await self.surroundings.store_clock.sleep(_RESTART_SECONDS)

    def _initiation(self, authentication: ClientAuthentication) -> Initiation:
        settings, stores, surroundings = self.settings, self.stores, self.surroundings
        return Initiation(
            authentication=authentication,
            replays=stores.replays,
            users=self.users,
            prompts=stores.prompts,
            transactions=stores.transactions,
            worker=self.worker,
            keys=self.keys,
            policy=InitiationPolicy(
                issuer=settings.server.issuer,
                lifetime=RequestLifetime(settings.requests.default_expiry),
                floor=settings.policy.floor,
                require_otp=settings.policy.require_otp,
            ),
            user_tag=user_tag,
            new_operation=surroundings.new_operation,
            random=surroundings.random,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        )

    def _redemption(self, authentication: ClientAuthentication) -> Redemption:
        tokens, issuer = self.settings.tokens, self.settings.server.issuer
        return Redemption(
            authentication=authentication,
            transactions=self.stores.transactions,
            users=self.users,
            devices=self.stores.devices,
            issuance=Issuance(
                policy=TokenPolicy(
                    issuer=issuer,
                    audience=tokens.audience or issuer,
                    access_token_lifetime=tokens.access_token_lifetime,
                    id_token_lifetime=tokens.id_token_lifetime,
                    access_token_alg=SignatureAlgorithm(tokens.access_token_alg),
                ),
                keys=self.keys,
                random=self.surroundings.random,
            ),
            new_operation=self.surroundings.new_operation,
            clock=self.surroundings.clock,
            telemetry=self.surroundings.telemetry,
        )

    def _sessions(self) -> DeviceSessions:
        secret = hashlib.sha256(b"ciba-nonce-key\0" + self.keys.ring.oldest).digest()
        return DeviceSessions(
            issuer=self.settings.server.issuer,
            nonces=Nonces(secret, self.surroundings.random),
            devices=self.stores.devices,
            replays=self.stores.replays,
            clock=self.surroundings.clock,
        )

    def _conversation(self) -> Conversation:
        return Conversation(
            decisions=Decisions(
                issuer=self.settings.server.issuer,
                transactions=self.stores.transactions,
                devices=self.stores.devices,
                attempts=self.stores.attempts,
                users=self.users,
                keys=self.keys,
                worker=self.worker,
                clock=self.surroundings.clock,
                telemetry=self.surroundings.telemetry,
            ),
            challenges=OpenChallenges(
                prompts=self.stores.prompts,
                transactions=self.stores.transactions,
                clock=self.surroundings.clock,
            ),
        )

    def _enrolment(self) -> Enrolment:
        endpoints = self.endpoints
        return Enrolment(
            addresses=DeviceAddresses(
                issuer=endpoints.issuer,
                websocket=endpoints.websocket("/device/ws"),
                messages=endpoints.url("/device/messages"),
            ),
            activations=self.stores.activations,
            devices=self.stores.devices,
            users=self.users,
            hub=self.hub,
            keys=self.keys,
            user_tag=user_tag,
            random=self.surroundings.random,
            clock=self.surroundings.clock,
            telemetry=self.surroundings.telemetry,
        )


async def _http_exception(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(
        {"error": "not_found" if status == HTTPStatus.NOT_FOUND else "invalid_request"},
        status,
        {"cache-control": "no-store", **(headers or {})},
    )
