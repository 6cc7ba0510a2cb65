"""Rules of the operators' door: roles, sessions, pages, refusals (docs/operator-api.md)."""
