"""What the client sends: authentication, signed request, token, cancel and resource request."""
