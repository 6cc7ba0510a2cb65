"""As many open files as connections are allowed: the usual soft limit is far below."""

import resource

__all__ = ["allow_open_files"]


def allow_open_files(wanted: int) -> int:
    """Raise the soft limit to what is wanted; returns by how much the hard one is too low."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < reachable:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    return wanted - reachable
