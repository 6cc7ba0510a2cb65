"""Who asks: registered clients (``metadata``), how they prove it (``assertion``)."""
