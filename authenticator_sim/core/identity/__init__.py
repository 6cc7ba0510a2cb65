"""Who the phone is: its keys and factors, and how it proves them."""
