"""Measurements on real processes; nothing here is part of the product or imported by it.

``delivery`` is the program: ``bulkheads`` and ``waiting_polls`` are what it measures, ``endpoints``
are the clients' ends, ``installed`` the service with its phones, ``machine`` what else was going
on, ``report`` the tables in docs/benchmarks.md. ``soak`` is what ``make soak`` runs,
and ``speed/`` what ``make bench`` does.
"""
