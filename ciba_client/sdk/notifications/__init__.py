"""Ping and push (CIBA 10.2, 10.3): the provider says that there is a decision, or brings it.

``receiver`` is the ASGI application that a program mounts, ``message`` reads one notification,
``expected`` knows which may come, ``token`` is the secret that shows whose they are.
"""
