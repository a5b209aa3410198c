#!/bin/sh
# Makes .venv from the first Python of 3.11 or newer and installs the pinned requirements; does nothing when that is done.
set -eu
cd "$(dirname "$0")/.."

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

python=""
for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
    if usable "$candidate"; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
    echo "JanJan needs Python 3.11 to 3.14 with its venv module; found $(python3 --version 2>&1 || echo none). Or say which: make setup PYTHON=/path/to/python3." >&2
    exit 1
fi

wanted="$("$python" --version) $(cat requirements.txt requirements-dev.txt | cksum)"
if [ "$(cat .venv/stamp 2>/dev/null)" = "$wanted" ] && [ -x .venv/bin/python ]; then exit 0; fi

echo "Setting up .venv with $("$python" --version) (once, about a minute) …" >&2
"$python" -m venv --clear .venv
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt >.venv/pip.log 2>&1; then
    tail -n 5 .venv/pip.log >&2
    echo "The requirements could not be installed; all of pip's words are in .venv/pip.log." >&2
    exit 1
fi
echo "$wanted" >.venv/stamp
