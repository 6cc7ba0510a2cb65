"""The doors of the service, and the endpoints behind each."""
