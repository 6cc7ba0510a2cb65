"""Ping (CIBA 10.2): the provider says that the decision is there, and the client asks for tokens.

``receiver`` is the ASGI application that a program mounts, ``message`` reads one notification,
``expected`` knows which may come, ``token`` is the secret that shows whose they are.
"""
