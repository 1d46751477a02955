#!/usr/bin/env bash
# Makes the virtual environment, on machines that lack parts of what Python ships.
#
# usage: tools/venv.sh VENV [PYTHON]
#
# Debian and Ubuntu package Python without ensurepip: `python3 -m venv` fails
# there until python3-venv is installed. A uv or a pip that is already on the
# machine serves as well, so both are tried before anybody is asked to install
# something.
set -euo pipefail

venv=$1
python=${2:-}

supported() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

if [ -z "$python" ]; then
    for candidate in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if supported "$candidate"; then python=$candidate; break; fi
    done
fi
if [ -z "$python" ] || ! supported "$python"; then
    echo "Python 3.11 or newer is needed${python:+, and $python is older or missing}." >&2
    echo "Name one with: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi

rm -rf "$venv"
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$python" -m venv "$venv"
elif command -v uv >/dev/null; then
    uv venv --quiet --seed --python "$python" "$venv"
elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --without-pip "$venv"
    "$python" -m pip --quiet --python "$venv/bin/python" install pip
else
    cat >&2 <<MESSAGE
$python cannot make a virtual environment: it comes without ensurepip.
On Debian and Ubuntu, install it once:

    sudo apt-get install python3-venv

and run the same make command again.
MESSAGE
    exit 1
fi
