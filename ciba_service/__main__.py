"""``python -m ciba_service`` is ``ciba-service``."""

import sys

from ciba_service.cli import main

if __name__ == "__main__":
    sys.exit(main())
