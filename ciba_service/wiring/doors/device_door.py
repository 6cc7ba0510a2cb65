"""The door of the phones: enrolment, the socket, and the same messages over HTTPS."""

from functools import partial

from starlette.routing import Route, WebSocketRoute

from ciba_service.endpoints.device.enrolments import EnrolmentEndpoint
from ciba_service.endpoints.device.logos import LogoEndpoint
from ciba_service.endpoints.device.messages import DeviceMessagesEndpoint
from ciba_service.endpoints.device.nonce import NonceEndpoint
from ciba_service.endpoints.device.page_gate import PageGate
from ciba_service.endpoints.device.socket import DeviceSocket, SocketSteps
from ciba_service.flow.deciding.conversation import Conversation
from ciba_service.flow.deciding.decision import Decisions
from ciba_service.flow.deciding.failed_attempts import FailedAttempts
from ciba_service.flow.deciding.open_challenges import OpenChallenges
from ciba_service.flow.deciding.receipts import Receipts
from ciba_service.flow.phones.activation import Activations
from ciba_service.flow.phones.device_orders import DeviceOrders
from ciba_service.flow.phones.device_revocation import DeviceRevocation
from ciba_service.flow.phones.device_sessions import DeviceSessions
from ciba_service.flow.phones.enrolment import DeviceAddresses, Enrolment
from ciba_service.flow.phones.invitations import Invitations
from ciba_service.flow.phones.key_announcements import KeyAnnouncements
from ciba_service.flow.phones.lasting_accesses import LastingAccesses
from ciba_service.flow.phones.login_handles import LoginHandles
from ciba_service.flow.phones.own_devices import OwnDevices
from ciba_service.flow.phones.own_passkeys import OwnPasskeys
from ciba_service.flow.phones.passkey_registration import PasskeyRegistration
from ciba_service.flow.phones.phone_notices import PhoneNotices
from ciba_service.sca.messages import DevicePath
from ciba_service.sca.phones.nonces import Nonces
from ciba_service.sca.phones.web_origins import WebOrigins
from ciba_service.wiring.parts import Parts
from ciba_service.wiring.phones import device_approval
from ciba_service.wiring.running.wake_up import build_wake_up_addresses

__all__ = ["device_routes"]


def device_routes(parts: Parts) -> list[Route | WebSocketRoute]:
    """Everything a phone calls."""
    endpoints, telemetry = parts.endpoints, parts.surroundings.telemetry
    announcements = KeyAnnouncements(
        issuer=parts.settings.server.issuer, keys=parts.keys, telemetry=telemetry
    )
    sessions, conversation = _sessions(parts), _conversation(parts, announcements)
    new_operation = parts.surroundings.new_operation
    enrolments = EnrolmentEndpoint(_enrolment(parts), telemetry)
    messages = DeviceMessagesEndpoint(sessions, conversation, new_operation, telemetry)
    socket = DeviceSocket(
        SocketSteps(sessions, conversation, announcements, parts.hub, new_operation),
        parts.surroundings.clock,
        telemetry,
        capacity=parts.settings.server.sockets,
    )
    nonce = NonceEndpoint(sessions, telemetry)
    logos = LogoEndpoint(parts.configured.find_logo, telemetry)
    origins = WebOrigins.of(parts.settings.device.allowed_origins)
    gate = partial(PageGate, origins=origins, telemetry=telemetry)
    return [
        Route(endpoints.path(DevicePath.ENROLMENTS), gate(enrolments, method="POST")),
        Route(endpoints.path(DevicePath.NONCE), gate(nonce, method="GET")),
        Route(endpoints.path(DevicePath.MESSAGES), gate(messages, method="POST")),
        Route(endpoints.path(f"{DevicePath.LOGOS}/{{name}}"), gate(logos, method="GET")),
        WebSocketRoute(endpoints.path(DevicePath.SOCKET), gate(socket, method="GET")),
    ]


def _notices(parts: Parts) -> PhoneNotices:
    return PhoneNotices(notices=parts.stores.notices, hub=parts.hub, clock=parts.surroundings.clock)


def _invitations(parts: Parts) -> Invitations:
    surroundings = parts.surroundings
    return Invitations(
        key=parts.keys.ring.derive("phone-invitations"),
        activations=Activations(
            activations=parts.stores.activations,
            devices=parts.stores.devices,
            random=surroundings.random,
            clock=surroundings.clock,
            telemetry=surroundings.telemetry,
        ),
        clock=surroundings.clock,
    )


def _nonces(parts: Parts) -> Nonces:
    return Nonces(parts.keys.ring.derive("device-nonces"), parts.surroundings.random)


def _sessions(parts: Parts) -> DeviceSessions:
    return DeviceSessions(
        issuer=parts.settings.server.issuer,
        nonces=_nonces(parts),
        devices=parts.stores.devices,
        waiting=parts.stores.waiting_devices,
        replays=parts.stores.replays,
        clock=parts.surroundings.clock,
        events=parts.surroundings.telemetry,
    )


def _conversation(parts: Parts, announcements: KeyAnnouncements) -> Conversation:
    notices, approval = _notices(parts), device_approval(parts)
    failures = FailedAttempts(notices=notices, telemetry=parts.surroundings.telemetry)
    revocation = DeviceRevocation(
        devices=parts.stores.devices,
        notices=notices,
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )
    passkeys = _passkeys(parts, notices)
    return Conversation(
        decisions=Decisions(
            issuer=parts.settings.server.issuer,
            transactions=parts.stores.transactions,
            devices=parts.stores.devices,
            attempts=parts.stores.attempts,
            failures=failures,
            gate=parts.gate,
            keys=parts.keys,
            worker=parts.worker,
            callback_delay=parts.settings.delivery.callback_delay_ms,
            keeps_evidence=parts.settings.evidence.enabled,
            party=parts.settings.relying_party,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        challenges=OpenChallenges(
            prompts=parts.stores.prompts,
            transactions=parts.stores.transactions,
            gate=parts.gate,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        accesses=LastingAccesses(
            accesses=parts.stores.accesses,
            grants=parts.stores.grants,
            devices=parts.stores.devices,
            clients=parts.clients,
            detail_types=parts.settings.detail_types,
            locale_of=parts.locale_of,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        announcements=announcements,
        handles=LoginHandles(
            handles=parts.stores.login_handles,
            gate=parts.gate,
            random=parts.surroundings.random,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        own_devices=OwnDevices(
            devices=parts.stores.devices,
            revocation=revocation,
            approval=approval,
            telemetry=parts.surroundings.telemetry,
        ),
        own_passkeys=OwnPasskeys(
            party=parts.settings.relying_party,
            devices=parts.stores.devices,
            registration=passkeys,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        orders=DeviceOrders(
            issuer=parts.settings.server.issuer,
            nonces=_nonces(parts),
            devices=parts.stores.devices,
            attempts=parts.stores.attempts,
            replays=parts.stores.replays,
            failures=failures,
            revocation=revocation,
            approval=approval,
            invitations=_invitations(parts),
            passkeys=passkeys,
            keys=parts.keys,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        approval=approval,
        notices=notices,
        receipts=Receipts(
            ledgers=parts.stores.ledgers,
            devices=parts.stores.devices,
            clock=parts.surroundings.clock,
            telemetry=parts.surroundings.telemetry,
        ),
        wake_up=build_wake_up_addresses(
            parts.settings, parts.stores, parts.keys, parts.surroundings
        ),
        devices=parts.stores.devices,
    )


def _passkeys(parts: Parts, notices: PhoneNotices) -> PasskeyRegistration:
    return PasskeyRegistration(
        party=parts.settings.relying_party,
        challenge_key=parts.keys.ring.derive("passkey-challenges"),
        devices=parts.stores.devices,
        replays=parts.stores.replays,
        notices=notices,
        random=parts.surroundings.random,
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )


def _enrolment(parts: Parts) -> Enrolment:
    endpoints = parts.endpoints
    return Enrolment(
        addresses=DeviceAddresses(
            issuer=endpoints.issuer,
            websocket=endpoints.websocket(DevicePath.SOCKET),
            messages=endpoints.url(DevicePath.MESSAGES),
        ),
        activations=parts.stores.activations,
        devices=parts.stores.devices,
        waiting=parts.stores.waiting_devices,
        approval=device_approval(parts),
        approval_lifetime_ms=parts.settings.device.approval_lifetime * 1000,
        users=parts.users,
        notices=_notices(parts),
        keys=parts.keys,
        random=parts.surroundings.random,
        clock=parts.surroundings.clock,
        telemetry=parts.surroundings.telemetry,
    )
