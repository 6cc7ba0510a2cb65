#!/bin/sh
# Fuzz every parser for some minutes, with other examples in each round; stop at what is found.
# A round is repeated with its seed: FUZZ_EXAMPLES=1000 pytest tests/fuzz --hypothesis-seed=SEED.
set -eu
cd "$(dirname "$0")/.."

minutes=${1:-10}
end=$(($(date +%s) + minutes * 60))
while [ "$(date +%s)" -lt "$end" ]; do
    seed=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
    echo "A thousand examples of each property, seed $seed ..." >&2
    FUZZ_EXAMPLES=1000 .venv/bin/python -m pytest tests/fuzz -q -p no:cacheprovider \
        --timeout 1200 --hypothesis-seed="$seed" </dev/null
done
