"""The rules of the protocol: no I/O, no clock, no logging; time and randomness are arguments.

``errors`` are the wire errors, ``names`` the registered words, ``profiles`` what a client must
obey, ``metadata`` what the provider publishes, ``plain_text`` what may be shown to a person;
``client`` who asks, ``request`` what is asked, ``transaction`` what becomes of it, ``tokens``
what is issued, ``jose`` how all of it is signed.
"""
