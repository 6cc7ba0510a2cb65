"""The OpenID Provider: backchannel endpoint, token endpoint and mobile approval backend.

``protocol`` and ``sca`` hold the rules, ``flow`` the steps, ``stores`` and ``channels`` the
outside world, ``endpoints`` the doors; ``app`` puts them together and ``cli`` starts them.
"""
