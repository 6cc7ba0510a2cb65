"""What is kept of a decision: evidence for courts, a receipt for the client."""
