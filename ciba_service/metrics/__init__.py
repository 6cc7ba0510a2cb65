"""What Prometheus is told: every family, what feeds it, and how it is written out.

The rest of the service knows nothing of it: figures come from events of the log, from ports for
requests and the store, and from looks at parts when somebody scrapes.
"""
