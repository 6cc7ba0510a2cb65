"""What is told and ordered of the user's account: phones, passkeys, accesses."""
