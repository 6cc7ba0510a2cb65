"""Security events on their way out: taken note of at once, written and pushed in the background."""
