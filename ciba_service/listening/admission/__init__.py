"""Who is let in: places for requests under work, a short queue before them, and 503 beyond."""
