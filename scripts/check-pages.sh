#!/bin/sh
# Check format, style and types of what runs in browsers; --write mends format and style.
set -eu
cd "$(dirname "$0")/.."

modules=tests/interop/node_modules
for biome in "$modules"/@biomejs/cli-linux-*/biome; do
    "$biome" check --error-on-warnings "$@" </dev/null
    break
done
PATH="$PWD/$modules/.bin:$PATH" "$modules/.bin/tsc" --project jsconfig.json </dev/null
