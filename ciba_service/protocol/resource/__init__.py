"""What a resource server does with a token that was admitted (FAPI 1.0 Part 1 6.2, RFC 9396).

``interaction`` names a request for both logs, ``authentication`` says how strong and how fresh an
approval must be. ``accounts`` and ``payments`` are what the demo resource has to show and to do.
"""
