#!/bin/sh
# Have openssl on PATH: the tests look at TLS with a client that is not ours.
set -eu
cd "$(dirname "$0")/.."

if ! command -v openssl >/dev/null 2>&1; then
    scripts/apt-install.sh openssl
fi
