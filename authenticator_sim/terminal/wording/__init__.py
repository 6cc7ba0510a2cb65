"""What the user reads of phones, passkeys, accesses and attempts."""
