"""Dynamic registration (RFC 7591, RFC 7592): clients describe themselves, the provider decides.

``metadata`` is what a client may say of itself, ``rules`` what the provider makes of it,
``update`` how it is replaced, ``software_statement`` what a third party vouches for.
"""
