"""All checks, by subject: each file ends in its ``CHECKS``, which ``registry.py`` puts in order."""
