"""What goes on beside the endpoints, measured and reloaded."""
