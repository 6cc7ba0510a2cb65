"""Phones are enrolled, prove who they are, and are looked after by their users."""
