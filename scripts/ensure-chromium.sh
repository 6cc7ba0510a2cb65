#!/bin/sh
# Have Chromium on PATH, and the typeface that the pages ask for first.
set -eu
cd "$(dirname "$0")/.."

if command -v chromium >/dev/null 2>&1; then
    exit 0
fi
scripts/apt-install.sh chromium fonts-inter
