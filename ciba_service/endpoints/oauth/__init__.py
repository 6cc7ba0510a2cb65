"""The endpoints of clients: backchannel authentication, token, and what is published."""
