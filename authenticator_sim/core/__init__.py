"""The phone without input or output: time and randomness are arguments.

``pin`` and ``otp`` are the factors, ``jose`` the signatures and encryption, ``decoding`` the JSON
in them, ``identity`` what an enrolled phone holds; ``enrolment``, ``sessions``, ``challenges`` and
``decisions`` are the four things it signs or verifies; ``events`` what it tells its user;
``device`` puts them together.
"""
