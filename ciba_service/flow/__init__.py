"""The steps, one file a step: each parses nothing and signs nothing it could leave to the rules.

``client_authentication`` and ``initiation`` begin a transaction, ``due_work`` announces and settles
it, ``decision`` hears the phone, ``redemption`` and ``issuance`` answer the client; ``enrolment``,
``device_sessions`` and ``open_challenges`` serve phones.
"""
