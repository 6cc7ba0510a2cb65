"""The OpenID Provider as seen from here: addresses, bounded HTTP, discovery, answers."""
