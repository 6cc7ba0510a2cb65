"""What the client sends: parameters, authentication, signed request, token and resource request."""
