"""TLS of the listening sockets: who the service is, what it offers, and certificates of clients."""
