"""How the page is served: ``gate`` lets only it in, ``files`` are its files, ``site`` answers."""
