"""What ``ciba-service`` can be told to do, one file a subject; ``cli`` reads the command line."""
