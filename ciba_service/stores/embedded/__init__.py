"""A Redis server of our own: the same engine where none is configured, and no orphans.

``server`` opens it, ``keeper`` keeps it alive, ``supervisor`` is the process between, ``lock``
makes one owner, ``binary`` finds a program to run.
"""
