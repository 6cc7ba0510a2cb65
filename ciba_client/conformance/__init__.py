"""Black-box tests of a CIBA provider, whoever made it: ``ciba-client conformance``.

``check.py`` says what a check is and how it ends, ``checks/`` holds all of them, by subject.
``plan.py`` reads the configuration file. ``parties/`` are those whom a check sends about: clients
that can sign what no honest client would, whoever approves, and the desk where notifications
arrive. ``stage.py`` is what a check works with, ``pending.py`` what it has begun there; ``run.py``
runs many. ``expectations.py`` and ``secrets_strength.py`` judge answers. ``reports/`` tells what
came of it, to people and programs.
Nothing here knows of any particular provider.
"""
