"""Who is let in when more is asked than can be done: an adaptive limit, fair turns, and shares."""
