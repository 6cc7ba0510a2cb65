"""``python -m authenticator_sim`` is ``authenticator-sim``."""

import sys

from authenticator_sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
