"""``make soak``: the service under load and faults, judged by what its clients and phones saw.

``history`` is what they saw, ``checker`` (with ``story``, ``ends`` and ``attempts``) says whether a
service may have such a history; both are pure. ``plan`` draws what everybody does in a flow,
``flows`` does it: by ``wire`` and ``clients`` towards the service, with ``phones``, and
``callbacks``, where clients are called back; ``participants`` are enrolled and registered.
``processes``, ``stores`` (with ``cluster_store`` and ``redis_process``), ``killing_proxy`` and
``jumping_service`` are what faults are made of, and ``faults`` makes them. ``scenarios`` says
which, and how many flows; ``running`` runs one in its ``setting``, and ``chapter`` writes
docs/benchmarks.md. ``volume`` delivers callbacks with a clock of its own, as a part beside.
"""
