"""What becomes of a request: ``state`` is the machine, ``polling`` the rate, ``gate`` the accounts.

``identifiers`` names a transaction to its client and to everybody else, ``lifetime`` bounds it.
"""
