"""Clients in the store: those configured or registered, and what they may use once."""
