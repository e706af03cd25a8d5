"""Shows what `make run ONCE=1` shows, from an empty directory on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.servers import HOWDAH
from tests.system.conftest import short_directory


def demonstrate(data_dir: Path, **more: str) -> subprocess.CompletedProcess[str]:
    outer = {k: v for k, v in os.environ.items() if not k.startswith("HOWDAH_")}
    return subprocess.run(
        [HOWDAH, "up", "--demo", "--once"],
        env={
            **outer,
            "HOWDAH_DATA_DIR": str(data_dir),
            "HOWDAH_GRPC_ADDRESS": "127.0.0.1:0",
            "HOWDAH_ADMIN_ADDRESS": "127.0.0.1:0",
            **more,
        },
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_the_demonstration_works_on_an_empty_directory_and_again_on_its_own() -> None:
    data_dir = short_directory("demo")
    try:
        first = demonstrate(data_dir)
        assert first.returncode == 0, first.stdout + first.stderr
        for line in (
            "acme    created",
            "69,659 rows in = 69,659 stored + 0 rejected",
            "9,999 rows in = 9,969 stored + 30 rejected",
            "2,500,315.63 USD",
            "184,239.83 GBP",
            "PERMISSION_DENIED / TENANT_NOT_ALLOWED",
            "Every step worked",
        ):
            assert line in first.stdout, first.stdout
        workbook = next(data_dir.glob("demo/*.xlsx"))
        sha256 = hashlib.sha256(workbook.read_bytes()).hexdigest()
        assert f"SHA-256 {sha256}" in first.stdout
        if shutil.which("php"):
            assert "answered in" in first.stdout
        assert re.search(r"first RPC was answered \d+\.\d s", first.stdout)

        # This time on a machine without PHP.
        again = demonstrate(data_dir, PATH=str(HOWDAH.parent))
        assert again.returncode == 0, again.stdout + again.stderr
        assert "acme    was there" in again.stdout
        assert "69,659 rows in = 69,659 stored + 0 rejected" in again.stdout
        assert "2,500,315.63 USD" in again.stdout
        assert "apt-get install" in again.stdout
    finally:
        shutil.rmtree(data_dir)
