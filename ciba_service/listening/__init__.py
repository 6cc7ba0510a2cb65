"""What stands between a socket and the application: HTTP within bounds."""
