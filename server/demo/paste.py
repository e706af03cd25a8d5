"""Says how to call the node oneself: from PHP, from Python, and with grpcurl."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from howdah_client import Credential
from server.demo.callers import DemoTenant
from server.demo.screen import Screen, StepFailedError

PHP_SECONDS = 60
INSTALL_PHP = (
    "sudo apt-get install --no-install-recommends"
    " php-cli php-curl php-mbstring php-bcmath php-google-protobuf"
)
# Ends with 0 where the example has what it needs.
PROBE = """
$autoload = $argv[1] . '/vendor/autoload.php';
require is_file($autoload) ? $autoload : $argv[1] . '/tests/autoload.php';
exit(extension_loaded('curl') && extension_loaded('mbstring')
    && class_exists('Google\\Protobuf\\Internal\\Message') ? 0 : 1);
"""


def variables(address: str, tenant: str, credential: Credential) -> dict[str, str]:
    """Returns the environment that the examples read."""
    return {
        "HOWDAH_ADDRESS": address,
        "HOWDAH_TENANT": tenant,
        "HOWDAH_KEY_ID": credential.key_id,
        "HOWDAH_SECRET": credential.secret,
    }


def show_php(screen: Screen, tree: Path, callers: Mapping[DemoTenant, dict[str, str]]) -> None:
    """Shows both tenants' figures from PHP and the wall between them, or how PHP is installed."""
    php, package = shutil.which("php"), tree / "clients/php"
    if not package.exists():
        screen.say("The PHP client is not part of this installation: see clients/php in the tree.")
        return
    if php is None or not probe(php, package):
        screen.say(f"PHP or one of its parts is missing. On Debian and Ubuntu: {INSTALL_PHP}")
        return
    for tenant, values in callers.items():
        done = dashboard(php, package, tenant, values)
        for line in done.stdout.splitlines():
            screen.say(line)
        if done.returncode != 0:
            problem = done.stderr.strip() or done.stdout.strip()
            raise StepFailedError(f"dashboard.php ended with {done.returncode}: {problem}")
    acme, globex = callers
    wrong = {**callers[acme], "HOWDAH_TENANT": globex.tenant_id}
    done = dashboard(php, package, globex, wrong)
    said = f"{done.stdout}{done.stderr}".strip()
    if done.returncode == 0 or "TENANT_NOT_ALLOWED" not in said:
        raise StepFailedError(f"PHP got through to {globex.tenant_id} with a foreign key: {said}")
    screen.say(f"{acme.tenant_id}'s key asks for {globex.tenant_id}: {said.splitlines()[0]}")


def probe(php: str, package: Path) -> bool:
    """Tells whether PHP has what the client needs."""
    command = [php, "-r", PROBE, "--", str(package)]
    done = subprocess.run(  # noqa: S603 - our own code.
        command, capture_output=True, timeout=PHP_SECONDS, check=False
    )
    return done.returncode == 0


def dashboard(
    php: str, package: Path, tenant: DemoTenant, values: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs the example for the tenant's own period."""
    example = str(package / "examples/dashboard.php")
    # The node's own settings, with the secrets among them, are nobody else's.
    others = {name: text for name, text in os.environ.items() if not name.startswith("HOWDAH_")}
    return subprocess.run(  # noqa: S603 - our own example.
        [php, example, "--start", tenant.start_date, "--end", tenant.end_date],
        env={**others, **values},
        capture_output=True,
        text=True,
        timeout=PHP_SECONDS,
        check=False,
    )


def show_lines(screen: Screen, tree: Path, values: dict[str, str], data_dir: Path) -> None:
    """Prints lines to paste. Secrets are read from a file, so that no shell remembers them."""
    file = data_dir / "demo" / f"{values['HOWDAH_TENANT']}.env"
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.writelines(f"export {name}={value}\n" for name, value in values.items())
    address, tenant = values["HOWDAH_ADDRESS"], values["HOWDAH_TENANT"]
    python = tree / ".venv/bin/python"
    python = python if python.exists() else Path("python3")
    howdah = f"HOWDAH_DATA_DIR={data_dir} {tree / '.venv/bin/howdah'}"
    if not (tree / ".venv/bin/howdah").exists():
        howdah = f"HOWDAH_DATA_DIR={data_dir} howdah"
    curl = tree / ".tools/bin/grpcurl"
    screen.say(f"First, in the shell:  . {file}")
    screen.say(f"PHP      php {tree / 'clients/php/examples/dashboard.php'}")
    screen.say(f"Python   {python} {tree / 'clients/python/examples/dashboard.py'}")
    screen.say(
        f'grpcurl  {curl if curl.exists() else "grpcurl"} -plaintext -H "authorization: Bearer '
        f'$({howdah} token --tenant {tenant})" -H "x-tenant-id: {tenant}"'
        ' -d \'{"start_date": "2021-01-01", "end_date": "2022-07-01"}\''
        f" {address} howdah.analytics.v1.AnalyticsService/ComputeKpis"
    )
    if not curl.exists():
        screen.say("         (`make grpcurl` builds it into .tools/bin)")
    screen.say(f'howdah   {howdah} call Ping \'{{"message": "hello"}}\' --tenant {tenant}')
