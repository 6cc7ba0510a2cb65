"""How things look on a terminal: plain or rich, and never led by foreign text."""
