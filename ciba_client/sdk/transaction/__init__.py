"""One authentication in progress: when to poll, what happened, and the tokens at its end."""
