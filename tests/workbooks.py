"""Builds workbooks in a test as a worker would, and opens them as people do."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from core.context import Context
from core.documents.build_workbook import BuildWorkbook
from core.files.keep import FileKeeper
from core.jobs.kind import Done
from core.platform.local_storage import LocalStorage
from tests.conftest import Databases
from tests.import_runs import Run

# Has LibreOffice compute every formula anew instead of showing the value that was written with it.
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"
 xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


def payload(
    start: str, end: str, currency: str = "USD", time_zone: str = "UTC", title: str = "Acme: sales"
) -> dict[str, str]:
    """Returns what StartWorkbook writes down."""
    return {
        "start_date": start,
        "end_date": end,
        "currency": currency,
        "time_zone": time_zone,
        "title": title,
    }


def build(
    databases: Databases, context: Context, order: dict[str, str], directory: Path
) -> tuple[Done, Path, Run]:
    """Runs the job to its end; returns its outcome, the stored workbook and what it told."""
    attempt = directory / "attempt"
    attempt.mkdir(parents=True)
    run = Run(databases, context, "job", order, None, attempt)
    keeper = FileKeeper(LocalStorage(directory / "files"), timedelta(hours=1))
    outcome = BuildWorkbook(databases.app, keeper)(run)
    assert isinstance(outcome, Done), outcome
    assert outcome.write is not None
    with databases.app.begin(context) as unit:
        outcome.write(unit)
        unit.commit(None)
    assert list(attempt.iterdir()) == []
    (path,) = (directory / "files").rglob("*.xlsx")
    return outcome, path, run


def convert(path: Path, form: str, directory: Path) -> Path:
    """Has LibreOffice open a workbook, compute it and write it as `form`."""
    profile = directory / "profile"
    (profile / "user").mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE, "utf-8")
    out = directory / form
    done = subprocess.run(
        [
            *("soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless"),
            *("--convert-to", form, "--outdir", str(out), str(path)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    converted = out / f"{path.stem}.{form}"
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr, done.stderr
    assert converted.exists(), done.stderr
    return converted
