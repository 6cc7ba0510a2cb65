"""The library: an asynchronous CIBA client (OpenID Connect CIBA Core 1.0) in poll and ping mode.

Programs import what they use from ``ciba_client`` itself. ``client`` is the door; ``requests``
builds what is sent, ``provider`` fetches and reads what comes back, ``transaction`` waits for the
user's decision, ``notifications`` receives the provider's pings, ``jose`` signs and verifies,
``dpop`` binds tokens to a key. ``errors`` draws everything that may be raised, ``clock`` is the
port for time.
"""
