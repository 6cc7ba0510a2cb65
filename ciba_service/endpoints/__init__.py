"""The doors: parse, call a step, answer.

``oauth`` are the endpoints of clients, ``resource`` is what their tokens are good for, ``device``
those of phones, ``health`` those of operators; ``body`` and ``answers`` read and write HTTP for all
of them, ``post`` and ``protected`` are what forms and resources have in common.
"""
