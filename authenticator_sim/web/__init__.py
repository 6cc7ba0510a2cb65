"""The web phone: ``site.py`` serves the page, ``page/`` is what runs in the browser."""
