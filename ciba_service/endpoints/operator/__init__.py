"""The door of operators: ``gate`` lets them in, ``router`` finds what they ask for."""
