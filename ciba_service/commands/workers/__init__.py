"""Several processes that serve the same addresses, under a parent that does little else.

``parent`` keeps them going, ``process`` is one of them as the parent has it, ``channel`` what joins
the two, and ``worker`` the program that such a process runs.
"""
