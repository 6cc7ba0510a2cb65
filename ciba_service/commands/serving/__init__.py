"""``ciba-service serve``: sockets, signals, a new configuration, several workers."""
