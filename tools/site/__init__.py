"""The documentation site: what is in it, and how it is built.

``pages`` gathers what stands in docs/, ``reference`` writes what the code knows better than anybody
else, ``generator`` makes pages for browsers of both. ``python -m tools.site`` does all of it.
"""
