"""The authentication device: a phone that can be driven by hand, by rules or by tests.

``core`` is the phone without any input or output; ``connection`` reaches the service,
``terminal`` the user, ``keystore`` and ``journal`` the disk; ``event_log`` tells what happens,
``attendants`` answer challenges; ``commands`` and ``cli`` start it all.
"""
