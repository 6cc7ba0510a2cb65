"""Redis behind the ports: connection, batched commands, typed scripts, and the embedded server.

From the wire upwards: ``target`` says where Redis is, ``connection`` opens a client and judges the
server, ``pipelines`` sends one batch, ``commands`` gathers batches and turns every driver error
into one of ``faults``, ``run`` alone repeats, ``script`` loads Lua, ``subscription`` listens, and
``embedded`` (with its ``_binary``, ``_lock``, ``_keeper`` and ``_supervisor``) runs a private
server. ``keys`` holds every key name; the stores themselves stand above all of these.
"""
