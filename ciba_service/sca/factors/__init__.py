"""The factors of a user: PIN, passkey, codes; which are asked for, and how often they may fail."""
