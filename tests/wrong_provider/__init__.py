"""A small CIBA provider, written from the specification, in which any one rule can be switched off.

It shares nothing with the service: what the conformance runner says of it says something about the
runner. Without a fault it keeps every rule that the runner looks at.

- ``faults``: the name of each rule that can be broken
- ``provider``: clients, users, keys and what is pending; ``errors``: how it refuses
- ``application``: which endpoint is where; ``discovery``, ``forms``
- ``client_authentication``, ``certificates``, ``sender_constraint``: who asks
- ``request_objects``, ``parameters``, ``backchannel``: what is asked
- ``liberties``: what it may do one way or another
- ``automation``, ``callbacks``: the user's decision, and who is told
- ``token_endpoint``, ``tokens``, ``resource``: what comes of it
"""
