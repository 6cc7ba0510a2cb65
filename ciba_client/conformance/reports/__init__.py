"""What came of a run: ``report.py`` is all of it, redacted; the other files show it somewhere."""
