"""What is issued: the claims of ID tokens and access tokens, and the answer that carries them."""
