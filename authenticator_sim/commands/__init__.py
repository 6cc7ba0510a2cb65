"""The commands of ``authenticator-sim``, one module for each way of working.

``enrol`` makes a phone, ``run`` keeps it connected, ``oneshot`` lists and decides over HTTPS,
``history`` shows past decisions; ``surroundings`` is what they are given, ``pins`` where a PIN
comes from.
"""
