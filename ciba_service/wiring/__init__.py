"""The parts of the service, put together by hand: ``app`` makes one application of them.

``surroundings`` is what tests replace, ``service_keys`` what is asked of the keys, ``stores`` what
is kept, ``parts`` what both doors share, ``oauth_door`` and ``device_door`` the routes of clients
and of phones, ``tokens`` those about tokens, ``registration`` those about clients, ``outbound`` the
door to others, ``wake_up`` what wakes phones, ``background`` what runs beside them.
"""
