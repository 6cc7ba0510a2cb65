"""A bank whose authorization server is built with Flask and Authlib (README.md)."""
