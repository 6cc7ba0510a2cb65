"""What is kept for operators and courts."""
