"""The outside world: the hub that reaches phones' sockets in every process."""
