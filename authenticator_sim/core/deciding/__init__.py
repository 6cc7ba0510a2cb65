"""A challenge, from its arrival to the decision about it."""
