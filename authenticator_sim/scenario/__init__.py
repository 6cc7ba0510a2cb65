"""Scenarios (``run --scenario``): one or two phones that misbehave step by step.

``steps`` says what may stand in a file, ``files`` reads it, ``decisions`` makes what an honest
phone never would, ``phone`` takes it to the service, ``play`` goes through the steps, ``report``
tells of each.
"""
