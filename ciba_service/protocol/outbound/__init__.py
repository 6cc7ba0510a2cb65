"""Where the service may connect to: ``url`` reads addresses, ``addresses`` says which are open."""
