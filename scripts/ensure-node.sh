#!/bin/sh
# Have in tests/interop exactly what its package-lock.json pins: Node, and clients that others wrote.
# npm of any version puts them there; the tests run on the Node of the lock.
set -eu
cd "$(dirname "$0")/.."

place=tests/interop
stamp=$place/node_modules/.set-up

fingerprint() {
    { pwd && cat "$place/package.json" "$place/package-lock.json" scripts/ensure-node.sh; } | cksum
}

up_to_date() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]
}

# Two commands started at once: the second waits here and then finds the work done.
mkdir -p build
if command -v flock >/dev/null 2>&1; then
    exec 9>build/.ensure-node.lock
    flock 9
fi
if up_to_date; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    scripts/apt-install.sh npm
fi
echo "Installing the clients of $place ..." >&2
(cd "$place" && npm ci --ignore-scripts --loglevel=error </dev/null >&2)
if ! "$place/node_modules/.bin/node" --version </dev/null >/dev/null 2>&1; then
    echo "There is no Node in $place/package-lock.json for this machine: Linux on x64 or arm64 is needed." >&2
    exit 1
fi
fingerprint >"$stamp"
