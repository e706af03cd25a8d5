"""Runs the job that writes a sales workbook."""

from __future__ import annotations

from dataclasses import dataclass

from core.documents.store import SalesReader
from core.documents.workbook.plan import TABS, TooManyInvoicesError
from core.documents.workbook.write import Progress, Written, write_workbook
from core.documents.workbook_payload import WorkbookPlan, plan_of
from core.failures import Failure
from core.files.keep import FileKeeper
from core.jobs.kind import Done, JobRun, Outcome, Refused
from core.platform.database import Database
from core.reasons import Reason

FILE_KIND = "workbook"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class BuildWorkbook:
    """Writes the workbook and keeps it as a file of the tenant.

    All its figures are of one moment. An attempt that stops leaves nothing, and the next one
    begins again.
    """

    database: Database
    keeper: FileKeeper

    def __call__(self, run: JobRun) -> Outcome:
        """Answers with `file_id`, `tabs`, `rows`, `sha256` and `size_bytes`."""
        with self.database.begin(run.context) as unit:
            plan = plan_of(unit, run.payload)
        period, path = plan.period, run.directory / "workbook.xlsx"
        try:
            written = self._write(run, plan)
        except TooManyInvoicesError:
            return Refused(
                Failure(
                    Reason.FILE_TOO_LARGE,
                    "The period has more invoices than the rows of a workbook can hold.",
                )
            )
        file = self.keeper.write(
            run.context,
            kind=FILE_KIND,
            filename=f"sales-{period.start}-{period.last_day}.xlsx",
            media_type=MEDIA_TYPE,
            source=path,
        )
        path.unlink()
        return Done(
            {
                "file_id": file.file_id,
                "tabs": written.tabs,
                "rows": written.rows,
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
            },
            file_id=file.file_id,
            write=lambda unit: self.keeper.record(unit, file),
        )

    def _write(self, run: JobRun, plan: WorkbookPlan) -> Written:
        def tab(done: int, name: str) -> None:
            run.proceed()
            run.progress("tabs", done, TABS, name)

        with self.database.begin(run.context, snapshot=True) as unit:
            return write_workbook(
                run.directory / "workbook.xlsx",
                run.directory,
                plan.title,
                SalesReader(unit, plan.period),
                Progress(run.proceed, tab),
            )
