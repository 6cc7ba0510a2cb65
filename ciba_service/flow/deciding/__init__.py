"""What a phone is shown, what it answers, and what that is worth."""
