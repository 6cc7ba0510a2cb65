"""What a failover loses, and what it costs to lose nothing.

``load`` makes promises at the stores and remembers those that were answered, ``topologies`` runs
masters, replicas and sentinels, ``losses`` kills masters, ``run`` writes the chapter.
"""
