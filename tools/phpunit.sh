#!/usr/bin/env bash
# Run the PHP client's tests; what follows is for phpunit.
set -euo pipefail
cd "$(dirname "$0")/.."
# APCu, which PHP-FPM has by itself, has to be asked for in the terminal.
exec php -d apc.enable_cli=1 "$(command -v phpunit)" --configuration clients/php/phpunit.xml.dist "$@"
