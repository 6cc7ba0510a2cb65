#!/bin/sh
# Write the hashed, universal locks anew from pyproject.toml; --upgrade takes the newest versions.
# They hold no address: uv writes none unless it is asked to.
set -eu
cd "$(dirname "$0")/.."

uv=uv
if [ -x .venv/bin/uv ]; then
    uv=.venv/bin/uv
elif ! command -v uv >/dev/null 2>&1; then
    echo "Please install uv, for instance with: .venv/bin/python -m pip install uv" >&2
    exit 1
fi

compile() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --custom-compile-command 'make lock' --output-file "$output" "$@"
}

compile requirements/dev.txt pyproject.toml --group dev "$@"
compile requirements/runtime.txt pyproject.toml --constraints requirements/dev.txt
compile requirements/build.txt --group build --constraints requirements/dev.txt
compile requirements/docs.txt --group docs --constraints requirements/dev.txt
