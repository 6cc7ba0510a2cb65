#!/bin/sh
# Have what `make bench` needs beside Python: redis-server, gcc, and the peer with the Node of its
# own lock in benchmarks/speed/peer.
set -eu
cd "$(dirname "$0")/.."

scripts/ensure-redis.sh
if ! command -v gcc >/dev/null 2>&1; then
    scripts/apt-install.sh gcc libc6-dev
fi

place=benchmarks/speed/peer
stamp=$place/node_modules/.set-up

fingerprint() {
    { pwd && cat "$place/package.json" "$place/package-lock.json" scripts/ensure-peer.sh; } | cksum
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    scripts/apt-install.sh npm
fi
echo "Installing the peer of $place ..." >&2
(cd "$place" && npm ci --ignore-scripts --loglevel=error </dev/null >&2)
fingerprint >"$stamp"
