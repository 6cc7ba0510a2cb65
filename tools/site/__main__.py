"""``python -m tools.site`` builds the site into build/site; ``--serve`` shows it as well."""

import argparse
import sys
from typing import Final

from tools.site.generator import SITE, SiteNotBuilt, build
from tools.site.serving import serve

_PORT: Final = 8099


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="and serve it on this machine")
    parser.add_argument("--port", type=int, default=_PORT, help=f"where ({_PORT})")
    options = parser.parse_args()
    try:
        build()
    except SiteNotBuilt as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{SITE}/index.html\n")
    if options.serve:
        serve(SITE, options.port)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
