"""Mutual TLS (RFC 8705): certificates as clients, keys and proxies present them.

``headers`` and ``proxies`` say whom to believe and read what was forwarded, ``certificate`` parses,
``registration`` gives the rule a client must meet (``subject`` or ``self_signed``),
``authentication`` proves it (against ``anchors``), ``confirmation`` binds tokens.
"""
