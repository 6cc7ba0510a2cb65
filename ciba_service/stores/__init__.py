"""Redis behind the ports: connection, batched commands, typed scripts, and the embedded server.

From the wire upwards: ``connection`` opens a client, ``pipelines`` sends a batch, ``commands``
gathers batches and turns every driver error into one of ``faults``, ``run`` retries until a
deadline, ``script`` loads Lua, ``subscription`` listens, and ``embedded`` (with
``embedded_binary``, ``embedded_lock`` and ``embedded_supervisor``) runs a private server.
"""
