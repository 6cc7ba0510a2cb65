"""CIBA in any Authlib ``AuthorizationServer``: the host keeps clients, users and tokens.

``grant`` is the grant of its token endpoint, ``backchannel`` and ``cancellation`` are endpoints
beside it; ``assertions`` lets the service verify ``private_key_jwt``. ``clients`` reads what CIBA
needs out of the host's clients, and ``registration`` checks it where they register
themselves. All of them call through one ``portal``.
"""

from ciba_service.integrations.authlib.assertions import ClientAssertions
from ciba_service.integrations.authlib.backchannel import BackchannelAuthenticationEndpoint
from ciba_service.integrations.authlib.cancellation import CancellationEndpoint
from ciba_service.integrations.authlib.clients import HostClient, registered_client
from ciba_service.integrations.authlib.grant import CibaGrant
from ciba_service.integrations.authlib.registration import CibaClientMetadataClaims
from ciba_service.integrations.directories import ThreadedClients, ThreadedUsers
from ciba_service.integrations.portal import Portal, PortalUnavailable
from ciba_service.protocol.tokens.grant import Grant

__all__ = [
    "BackchannelAuthenticationEndpoint",
    "CancellationEndpoint",
    "CibaClientMetadataClaims",
    "CibaGrant",
    "ClientAssertions",
    "Grant",
    "HostClient",
    "Portal",
    "PortalUnavailable",
    "ThreadedClients",
    "ThreadedUsers",
    "registered_client",
]
