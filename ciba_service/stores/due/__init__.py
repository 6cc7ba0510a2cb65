"""Due work in Redis, and the callbacks among it."""
