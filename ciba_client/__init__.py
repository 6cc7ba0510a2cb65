"""The client: start a CIBA flow, wait for the result, verify it."""
