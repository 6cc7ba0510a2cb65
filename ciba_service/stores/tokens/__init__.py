"""Grants in Redis, their tokens, and what was done with them."""
