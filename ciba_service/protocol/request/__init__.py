"""What is asked: the form, the signed request object, hints, binding message, details.

``form`` reads a body, ``signed_request`` verifies a request object, ``parameters`` types single
values, ``authentication_request`` puts them together (CIBA 7.1).
"""
