"""What happened to the safety of the service: a closed set of events, and how they are told.

``kinds`` names them, ``causes`` says why something was refused, ``record`` is the line in a file,
``limits`` bounds how many are told; ``security_event_token`` is RFC 8417, ``push`` RFC 8935.
"""
