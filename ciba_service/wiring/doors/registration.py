"""Where clients register themselves."""

from dataclasses import replace

from starlette.routing import Route

from ciba_service.endpoints.oauth.registration import (
    ClientConfigurationEndpoint,
    RegistrationEndpoint,
)
from ciba_service.flow.clients.registration import InitialAccessToken, Registrations
from ciba_service.protocol.client.registration.rules import RegistrationPolicy
from ciba_service.protocol.jose.encoding import base64url
from ciba_service.settings import RegistrationSettings, Settings
from ciba_service.wiring.parts import Parts

__all__ = ["registration_routes"]


def registration_routes(parts: Parts) -> list[Route]:
    """Two endpoints, or none where registration is off."""
    settings, surroundings, endpoints = parts.settings, parts.surroundings, parts.endpoints
    if not settings.registration.enabled:
        return []
    registrations = Registrations(
        store=parts.stores.registrations,
        outbound=parts.measuring.outbound(parts.outbound.sectors, "sector"),
        policy=_policy(settings),
        initial_access_tokens=_initial_access_tokens(settings.registration),
        statement_issuers=settings.statement_issuers,
        audiences=endpoints.urls("/register") | {endpoints.issuer},
        new_operation=surroundings.new_operation,
        random=surroundings.random,
        clock=surroundings.clock,
        telemetry=surroundings.telemetry,
    )
    told = (registrations, surroundings.telemetry, endpoints.client_configuration)
    return [
        Route(endpoints.path("/register"), RegistrationEndpoint(*told)),
        Route(endpoints.path("/register/{client_id}"), ClientConfigurationEndpoint(*told)),
    ]


def _policy(settings: Settings) -> RegistrationPolicy:
    registration = settings.registration
    return RegistrationPolicy(
        profile=registration.profile,
        scope=registration.scopes,
        offer=replace(
            settings.offer,
            authorization_details_types=frozenset(registration.authorization_details_types),
        ),
    )


def _initial_access_tokens(
    registration: RegistrationSettings,
) -> list[InitialAccessToken] | None:
    if registration.open:
        return None
    return [
        InitialAccessToken(
            name=token.name,
            hash=base64url(bytes.fromhex(token.sha256)),
            notification_hosts=frozenset(token.notification_hosts),
        )
        for token in registration.initial_access_tokens
    ]
