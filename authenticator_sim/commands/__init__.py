"""The commands of ``authenticator-sim``, one module for each way of working.

``enrol`` makes a phone, ``run`` keeps it connected, ``oneshot`` lists and decides over HTTPS,
``history`` shows past decisions; ``options`` says what may stand on the command line,
``surroundings`` is what commands are given, ``pins`` where a PIN comes from.
"""
