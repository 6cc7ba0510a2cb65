"""DPoP (RFC 9449): a token is worth something only to who holds the key it was bound to.

``proof`` verifies what a request presents, with ``proof_key``, ``http_uri`` and ``nonces`` as its
parts; ``binding`` decides what a new token is bound to and whether a presented one may be used;
``authorization`` and ``challenge`` are the two headers of a resource.
"""
