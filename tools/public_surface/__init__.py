"""What docs/versioning.md promises not to break, written down by name: docs/public-surface.toml.

``python -m tools.public_surface`` writes it anew; a test holds it to the code, so that whoever
changes what is public shows it in the same change. ``python_names``, ``programs``,
``configuration``, ``wire`` and ``running`` each read one part of the code, ``section`` is what they
return, ``document`` puts them together.
"""
