"""Says how to call the node oneself: from PHP, from Python, and with grpcurl."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from howdah_client import Credential
from server.demo.screen import Screen, StepFailedError

PHP_SECONDS = 60
INSTALL_PHP = (
    "PHP is not installed. On Debian and Ubuntu:"
    " sudo apt-get install php-cli php-curl php-bcmath composer"
)


def variables(address: str, tenant: str, credential: Credential) -> dict[str, str]:
    """Returns the environment that the examples read."""
    return {
        "HOWDAH_ADDRESS": address,
        "HOWDAH_TENANT": tenant,
        "HOWDAH_KEY_ID": credential.key_id,
        "HOWDAH_SECRET": credential.secret,
    }


def run_dashboard(screen: Screen, tree: Path, values: dict[str, str]) -> None:
    """Runs the PHP example against the node, or says how PHP is installed."""
    php, example = shutil.which("php"), tree / "clients/php/examples/dashboard.php"
    if php is None:
        screen.say(INSTALL_PHP)
        return
    if not example.exists():
        screen.say("The PHP client is not part of this installation: see clients/php in the tree.")
        return
    if not install_dependencies(screen, example.parents[1]):
        return
    done = subprocess.run(  # noqa: S603 - the program and the script are our own.
        [php, str(example)],
        env={**os.environ, **values},
        capture_output=True,
        text=True,
        timeout=PHP_SECONDS,
        check=False,
    )
    for line in done.stdout.splitlines():
        screen.say(line)
    if done.returncode != 0:
        raise StepFailedError(f"dashboard.php ended with {done.returncode}: {done.stderr.strip()}")


def install_dependencies(screen: Screen, package: Path) -> bool:
    """Tells whether the PHP package can be run, and otherwise says what is missing."""
    if any(place.exists() for place in autoloaders(package)):
        return True
    screen.say(f"The PHP client's libraries are not installed: composer install -d {package}")
    return False


def autoloaders(package: Path) -> list[Path]:
    """Returns the files that load PHP classes: Composer's, or the tree's own."""
    return [package / "vendor/autoload.php", package / "tools/autoload.php"]


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
    screen.say(f"First, in the shell:  . {file}")
    screen.say(f"PHP      php {tree / 'clients/php/examples/dashboard.php'}")
    screen.say(f"Python   {python} {tree / 'clients/python/examples/dashboard.py'}")
    screen.say(
        'grpcurl  grpcurl -plaintext -H "authorization: Bearer '
        f'$({howdah} token --tenant {tenant})" -H "x-tenant-id: {tenant}"'
        f' -d \'{{"message": "hello"}}\' {address} howdah.node.v1.NodeService/Ping'
    )
    screen.say(f'howdah   {howdah} call Ping \'{{"message": "hello"}}\' --tenant {tenant}')
