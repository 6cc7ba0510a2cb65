"""How the service behaves as there is more of something: ``make bench-growth``.

``pending`` requests, ``phones`` that are connected, ``workers``; ``capacity`` counts what a flow
costs. ``place`` is a service on a Redis of its own, ``filler`` fills it, ``chart`` draws.
"""
