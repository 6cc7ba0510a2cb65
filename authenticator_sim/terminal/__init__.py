"""The user's side of the phone, on a plain text terminal.

``text`` makes foreign text harmless, ``view`` shows a challenge, ``keyboard`` reads answers and
secrets, ``dialogue`` leads through one decision, ``reporter`` tells what happens.
"""
