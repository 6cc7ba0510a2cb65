#!/bin/sh
# Have what builds the documentation: the generator of requirements/docs.txt in .venv, and what
# draws diagrams in tools/site/node_modules. The site itself then needs no network.
set -eu
cd "$(dirname "$0")/.."

place=tools/site
stamp=.venv/.docs-set-up

fingerprint() {
    { pwd && cat requirements/docs.txt "$place/package.json" "$place/package-lock.json" \
        scripts/ensure-docs.sh .venv/.set-up; } | cksum
}

up_to_date() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && [ -d "$place/node_modules" ]
}

# Two commands started at once: the second waits here and then finds the work done.
mkdir -p build
if command -v flock >/dev/null 2>&1; then
    exec 9>build/.ensure-docs.lock
    flock 9
fi
if up_to_date; then
    exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
    scripts/apt-install.sh npm
fi
echo "Installing what builds the documentation ..." >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    --require-hashes -r requirements/docs.txt </dev/null
(cd "$place" && npm ci --ignore-scripts --loglevel=error </dev/null >&2)
fingerprint >"$stamp"
