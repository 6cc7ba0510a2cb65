"""What operators see and do, over HTTP and on the command line (docs/operator-api.md)."""
