"""Phones: who they are, how they prove it, and what their users order."""
