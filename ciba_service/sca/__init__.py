"""The rules of the phone side, without I/O.

``messages`` is what phones and the service say to each other, ``challenge`` what is shown and
signed, ``decision`` what a phone answers, ``factors`` PIN and OTP, ``policy`` which are asked for.
"""
