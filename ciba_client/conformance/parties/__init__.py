"""Those whom a check sends about: clients that may be bent, who approves, and who is notified."""
