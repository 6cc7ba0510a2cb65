"""What is kept of grants and tokens, and who writes these."""
