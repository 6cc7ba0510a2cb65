"""What is kept of phones, and how they are reached."""
