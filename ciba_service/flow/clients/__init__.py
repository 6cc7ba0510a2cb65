"""Who asks, and what beside the form proves it; clients that register themselves."""
