"""Tokens bound to a key of this client (RFC 9449): the key, its proofs, the servers' nonces."""
