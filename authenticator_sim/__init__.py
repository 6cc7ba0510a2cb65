"""The authentication device: a phone that can be driven by hand, by rules or by tests."""
