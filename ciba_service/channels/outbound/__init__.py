"""The only door out for HTTP: nothing else in the service asks anybody anything.

``client`` sends a request and bounds its answer, ``network`` connects to checked addresses only,
``resolver`` finds them, ``tls`` says whom to believe, ``slots`` keeps dead hosts from holding all
others. ``on_demand`` makes a client, and loads the library behind it, when somebody is asked.
"""

from ciba_service.channels.outbound.on_demand import OutboundOnDemand
from ciba_service.channels.outbound.resolver import Resolver, ResolverLimits, SystemResolver
from ciba_service.channels.outbound.slots import OutboundLimits
from ciba_service.channels.outbound.tls import outbound_context

__all__ = [
    "OutboundLimits",
    "OutboundOnDemand",
    "Resolver",
    "ResolverLimits",
    "SystemResolver",
    "outbound_context",
]
