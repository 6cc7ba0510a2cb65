"""``ciba-client playground``: where integrators learn CIBA by looking.

``command`` starts it; ``clients`` are those it speaks for, ``order`` is what the page asks for,
``flow`` runs one with the SDK, ``ledger`` follows it at the provider, ``further`` is what can be
done with its tokens, ``flows`` keeps all of them. ``journal`` holds what was seen as ``record``
draws it; ``switch`` is where providers call, and may misbehave. ``diagram``, ``purposes``,
``shown`` and ``explained`` make of it what people read, without I/O; ``views`` is what the page is
told, ``web`` serves it, ``page`` is what runs in the browser. Nothing here is stored, and nothing
is logged.
"""
