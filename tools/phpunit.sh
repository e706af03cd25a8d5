#!/usr/bin/env bash
# Run the PHP client's tests, when it has any.
set -euo pipefail
cd "$(dirname "$0")/.."
for config in clients/php/phpunit.xml clients/php/phpunit.xml.dist; do
    if [[ -e $config ]]; then exec phpunit --configuration "$config"; fi
done
if compgen -G 'clients/php/tests/*' >/dev/null; then
    echo "clients/php/tests exists but clients/php/phpunit.xml does not." >&2
    exit 1
fi
