"""Due work: announce, settle, call back, wake; done by whichever process has the lease."""
