"""Redis behind the ports, and what stands in files.

``driver`` is the way to Redis and ``embedded`` a server of our own; ``keys`` holds every key name,
``scripts`` the Lua, ``operations`` runs both with retries, ``sealing`` encrypts at rest. Above
stands one file a store; ``configured`` and ``key_files`` read what is not in Redis.
"""
