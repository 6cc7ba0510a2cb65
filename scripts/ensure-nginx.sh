#!/bin/sh
# Have nginx, 1.22 or later, on PATH: the tests run the one that is shipped in front of the service.
set -eu
cd "$(dirname "$0")/.."

usable() {
    nginx -v </dev/null 2>&1 | grep -Eq 'nginx/(1\.(2[2-9]|[3-9][0-9])|[2-9])'
}

if usable; then
    exit 0
fi
scripts/apt-install.sh nginx-light
if ! usable; then
    echo "Please install nginx 1.22 or later; the one found is older." >&2
    exit 1
fi
