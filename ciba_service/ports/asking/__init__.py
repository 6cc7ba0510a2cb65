"""What is kept of requests, and of how often users are asked."""
