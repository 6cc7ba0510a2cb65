#!/bin/sh
# Print the name of a Python of at least 3.11: $PYTHON where it is set, else the first on PATH.
set -eu

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null >/dev/null 2>&1
}

for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
    if new_enough "$candidate"; then
        echo "$candidate"
        exit 0
    fi
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON does not run, or is older than Python 3.11." >&2
        exit 1
    fi
done
echo "Please install Python 3.11 or later (Debian: python3), or name one with PYTHON=/path/to/python." >&2
exit 1
