"""The service's own keys, in files: made, read strictly, rotated, taken over while it runs."""
