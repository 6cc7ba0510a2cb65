"""Clients that register, publish keys elsewhere, and may use an identifier once."""
