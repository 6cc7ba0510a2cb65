#!/bin/sh
# Make .venv hold exactly what requirements/dev.txt pins, and this project, editable.
# Does nothing when neither the lock nor pyproject.toml has changed since the last time.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.set-up

fingerprint() {
    { pwd && cat pyproject.toml requirements/dev.txt scripts/setup.sh; } | cksum
}

version_of() {
    "$1" -c 'import sys; print(sys.version_info[:2])' </dev/null 2>/dev/null
}

usable() {
    PYTHON=$venv/bin/python scripts/find-python.sh >/dev/null 2>&1 || return 1
    [ -z "${PYTHON:-}" ] || [ "$(version_of "$venv/bin/python")" = "$(version_of "$PYTHON")" ]
}

up_to_date() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && usable
}

create() {
    python=$(scripts/find-python.sh)
    if ! "$python" -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; then
        scripts/apt-install.sh "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    "$python" -m venv --clear "$venv" </dev/null
}

pip_install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" </dev/null
}

# Two commands started at once: the second waits here and then finds the work done.
mkdir -p build
if command -v flock >/dev/null 2>&1; then
    exec 9>build/.set-up.lock
    flock 9
fi
if up_to_date; then
    exit 0
fi

echo "Setting up $venv ..." >&2
if ! usable || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    create
fi
rm -f "$stamp"
pip_install --only-binary :all: --require-hashes -r requirements/dev.txt
pip_install --no-deps --no-build-isolation --editable .
fingerprint >"$stamp"
