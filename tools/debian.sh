#!/usr/bin/env bash
# Install the system packages one purpose needs: tools/debian.sh contract|php|test. Quick when all are there.
set -euo pipefail

contract=(protobuf-compiler protobuf-compiler-grpc php-cli php-google-protobuf)
php=(php-cli php-curl php-google-protobuf php-bcmath php-xml php-mbstring phpunit composer)
test=(nghttp2-client libreoffice-calc redis-server php-pgsql nginx-light php-fpm php-apcu
    php-symfony-dependency-injection php-symfony-http-kernel php-symfony-config php-illuminate-support
    php-illuminate-container php-illuminate-console php-illuminate-config php-illuminate-events php-vlucas-phpdotenv)

# Node may come from elsewhere than Debian; what matters is that it is there.
command -v node >/dev/null && command -v npm >/dev/null || contract+=(nodejs npm)

case ${1:-} in
    contract) wanted=("${contract[@]}") ;;
    php) wanted=("${php[@]}") ;;
    test) wanted=("${contract[@]}" "${php[@]}" "${test[@]}") ;;
    *) echo "usage: tools/debian.sh contract|php|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    absent=()
    for command in protoc grpc_php_plugin node npm; do
        command -v "$command" >/dev/null || absent+=("$command")
    done
    if [[ $1 == contract && ${#absent[@]} -eq 0 ]]; then exit 0; fi
    echo "This is not Debian: install the counterparts of these packages by hand: ${wanted[*]}" >&2
    exit 1
fi

missing=()
for package in "${wanted[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

if ((EUID != 0)); then
    echo "Missing: ${missing[*]}. Run:" >&2
    echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

# The tests start their own servers, so nothing installed here may start one.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing ${missing[*]} …"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
