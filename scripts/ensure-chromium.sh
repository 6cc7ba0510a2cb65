#!/bin/sh
# Have Chromium on PATH, rather without its windows, and the typeface that the pages ask for first.
set -eu
cd "$(dirname "$0")/.."

if command -v chromium-headless-shell >/dev/null 2>&1; then
    exit 0
fi
if command -v chromium >/dev/null 2>&1 && [ "$(id -u)" -ne 0 ]; then
    exit 0 # It does as well, and takes longer.
fi
scripts/apt-install.sh chromium-headless-shell fonts-inter
