"""Requests in Redis: their transactions, and how often of what kind there may be."""
