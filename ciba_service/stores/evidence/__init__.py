"""Evidence: its queues in Redis, its files, and how single statements are closed and erased."""
