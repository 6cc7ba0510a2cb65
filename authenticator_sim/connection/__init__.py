"""How the phone reaches its service: ``socket`` over WebSocket, ``https`` request by request.

``addresses`` says which addresses are safe, ``backoff`` how long to wait, ``close_codes`` what
each close code asks of the phone.
"""
