"""One authentication in progress: how its outcome is waited for, and the tokens at its end.

``backchannel_endpoint`` starts one, ``beginning`` makes of it a ``pending`` that a program holds;
``polling`` with ``poll_schedule`` asks for the outcome, ``push`` is given it; ``token_endpoint``
asks and verifies, ``cancellation`` takes requests back; ``alarm`` is what waits.
"""
