#!/bin/sh
# Install Debian packages where the user may; else say in one sentence what to install, and fail.
# A packaged server is not started by its installation.
set -eu

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Please install $* (Debian: apt-get install $*), then run the same command again." >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

install_packages() {
    apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" </dev/null >&2
}

echo "Installing $* ..." >&2
if ! install_packages "$@"; then
    echo "Once more with fresh package lists ..." >&2
    apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null >&2
    install_packages "$@"
fi
