"""The library: an asynchronous CIBA client (CIBA Core 1.0) in poll, ping and push mode.

Programs import what they use from ``ciba_client`` itself. ``client`` is the door; ``requests``
builds what is sent, ``provider`` fetches and reads what comes back, ``transaction`` waits for the
user's decision, ``notifications`` receives pings and pushes, ``jose`` signs and verifies, ``dpop``
binds tokens to a key. ``errors`` draws everything that may be raised, ``clock`` is the port for
time.
"""
