"""Phones in Redis: enrolled, waiting, connected, woken; and the factors of their users."""
