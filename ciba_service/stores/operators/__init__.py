"""For operators: their sessions, and the security events they read or have pushed."""
