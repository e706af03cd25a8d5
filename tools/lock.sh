#!/usr/bin/env bash
# Recreate requirements/*.txt from pyproject.toml, with hashes, for Linux and macOS, Python 3.11 and later.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}

compile() {
    "$uv" pip compile pyproject.toml --quiet --universal --python-version 3.11 \
        --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" "${@}"
}

# shellcheck disable=SC2086  # LOCK_ARGS is a list of options, such as "--upgrade".
compile --group dev --output-file requirements/dev.txt ${LOCK_ARGS:-}
# The development lock constrains the other, so that what is tested is what runs.
compile --group build --constraint requirements/dev.txt --no-annotate \
    --output-file requirements/runtime.txt
