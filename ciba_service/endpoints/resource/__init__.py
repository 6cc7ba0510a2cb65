"""The demo resource: accounts to read and a payment to execute, as a bank's API would have them."""
