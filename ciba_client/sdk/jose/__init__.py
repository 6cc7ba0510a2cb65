"""Keys and signatures: closed algorithm list, signing key, the provider's keys, the ID token."""
