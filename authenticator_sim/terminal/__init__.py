"""The user's side of the phone, on a terminal.

``text`` makes foreign text harmless, ``view`` shows a challenge in plain lines and ``sheet`` on a
page, ``sentences`` puts events into words. A ``look`` says how all this appears: ``plain_look`` or
``rich_look``, as ``looks`` chooses. ``keyboard`` reads answers and secrets, beside a ``countdown``;
``dialogue`` leads through one decision, ``reporter`` tells what happens.
"""
