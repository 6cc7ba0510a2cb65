"""A client asks for an approval, takes it back, and reads what happened to it."""
