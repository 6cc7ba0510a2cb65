"""The only door out for HTTP: nothing else in the service asks anybody anything.

``client`` sends a request and bounds its answer, ``network`` connects to checked addresses only,
``resolver`` finds them, ``tls`` says whom to believe, ``slots`` keeps dead hosts from holding all
others.
"""

from ciba_service.channels.outbound.client import OutboundClient
from ciba_service.channels.outbound.resolver import Resolver, ResolverLimits, SystemResolver
from ciba_service.channels.outbound.slots import OutboundLimits
from ciba_service.channels.outbound.tls import outbound_context

__all__ = [
    "OutboundClient",
    "OutboundLimits",
    "Resolver",
    "ResolverLimits",
    "SystemResolver",
    "outbound_context",
]
