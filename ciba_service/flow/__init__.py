"""The steps, one file a step: each parses nothing and signs nothing it could leave to the rules.

A client that proved who it is (``clients``) asks (``asking``); a phone (``phones``) decides
(``deciding``); the client gets its tokens (``granting``) and uses them (``tokens``). What follows
by itself is ``due``; ``operators`` look on and step in; ``security_events`` tell what happened.
"""
