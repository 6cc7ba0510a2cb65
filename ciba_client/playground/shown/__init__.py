"""How messages become text: raw HTTP, explained fields, curl, a program. Pure."""
