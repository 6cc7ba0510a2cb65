"""The way to Redis, whatever is stored: nothing above this folder meets the driver's exceptions.

``target`` says where, ``connection`` connects, ``commands`` and ``pipelines`` share round trips,
``replicas`` waits for replicas, ``run`` repeats, ``script`` holds Lua, ``subscription`` listens,
``faults`` translates errors.
"""
