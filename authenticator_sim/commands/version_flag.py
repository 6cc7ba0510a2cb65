"""``--version``: which version of the distribution is installed."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

__all__ = ["VersionFlag"]


class VersionFlag(argparse.Action):
    """Looked up when somebody asks: what reads the metadata of distributions is slow to load."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's own signature
        values: str | Sequence[object] | None,  # noqa: ARG002
        option_string: str | None = None,  # noqa: ARG002
    ) -> NoReturn:
        """Print it and end with 0."""
        from importlib.metadata import version  # noqa: PLC0415 - only whoever asks needs it

        sys.stdout.write(f"{parser.prog} {version('ciba-service')}\n")
        parser.exit()
