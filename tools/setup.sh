#!/usr/bin/env bash
# Install the locked dependencies and this tree into .venv: tools/setup.sh runtime|dev. Instant when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-runtime}
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "howdah needs Python 3.11 or later; '$python' is $("$python" --version 2>&1). Name another with PYTHON=python3.12." >&2
    exit 1
}

# What decides an installation: the lock, this file, and pyproject.toml without the linters' settings.
stamp() {
    { cat "requirements/$1.txt" tools/setup.sh; sed '/^# --- ruff/,$d' pyproject.toml; } | "$python" -c \
        'import hashlib, sys; print(".venv/.installed-" + hashlib.sha256(sys.stdin.buffer.read() + sys.argv[1].encode()).hexdigest()[:16])' "$1:$PWD"
}

wanted=$(stamp "$kind")
# The development lock holds everything the runtime lock does, at the same versions.
if [[ -e $wanted || -e $(stamp dev) ]]; then exit 0; fi

[[ -x .venv/bin/python ]] || "$python" -m venv .venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
echo "Installing requirements/$kind.txt into .venv …"
.venv/bin/python -m pip install --quiet --require-hashes -r "requirements/$kind.txt"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
rm -f .venv/.installed-*
touch "$wanted"
