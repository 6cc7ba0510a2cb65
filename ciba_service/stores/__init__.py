"""Redis behind the ports, and what stands in files.

``driver`` is the way to Redis and ``embedded`` a server of our own; ``keys`` holds every key name,
``scripts`` the Lua, ``operations`` runs both with retries, ``sealing`` encrypts at rest. Above
stands one file a store; ``configured`` reads what is not in Redis. The service's own keys:
``stored_keys`` reads and writes their files, ``key_files`` makes and loads them, ``key_rotation``
changes them, ``current_keys`` follows the changes.
"""
