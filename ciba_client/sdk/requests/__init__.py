"""What the client sends: parameters, client assertion, signed request object, token request."""
