"""A small CIBA provider, written from the specification, in which any one rule can be switched off.

It shares nothing with the service: what the conformance runner says of it says something about the
runner. Without a fault it keeps every rule that the runner looks at.

- ``faults``: the name of each rule that can be broken
- ``liberties``: what it may do one way or another
- ``provider``: clients, users, keys and what is pending; ``errors``: how it refuses
- ``application``: which endpoint is where; ``discovery``, ``forms``, ``jose``, ``tls``
- ``clients``: who asks, and with which key or certificate
- ``asking``: the backchannel request and what it may hold
- ``deciding``: the user's decision, and who is told
- ``granting``: the token endpoint, the tokens, and what they open
- ``judge``: what the conformance runner says of it; ``cases``, ``meant_for``: what it has to say
"""
