"""``make bench``: the service beside node-oidc-provider, on one core each, over the same work.

``run`` is the program: ``scenarios`` says what is measured and ``comparison`` does it in turn on
two ``servers``, by ``generator`` (the C program in ``loadgen/``), which replays what ``stages``
signed; ``chapter`` writes docs/benchmarks.md. ``door`` and ``service`` are the service with an
approval that needs no phone: it exists here and nowhere else. ``peer/`` is the other server.
"""
