"""``python -m ciba_client`` is ``ciba-client``."""

import sys

from ciba_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
