from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from core.analytics.compute_cohorts import CohortsQuery
from core.analytics.compute_kpis import KpisQuery
from core.analytics.kpis import Granularity, Kpis, Period, Ranked
from core.analytics.use_cases import Analytics, analytics_use_cases
from core.context import Context
from core.jobs.kind import Done
from core.platform.database import Database
from core.platform.local_storage import LocalStorage
from core.platform.postgres import open_engine
from core.platform.system_database import SystemDatabase
from core.result import Ok
from tests.conftest import Databases, Postgres, context_of
from tests.import_runs import SAMPLES, Importer, OnSave, sample_mapping

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "kpis.json").read_text("utf-8"))
FILES = {"cdnow": "cdnow.txt.gz", "online_retail": "online_retail_10k.csv.gz"}
PERIODS = [(name, place) for name in FILES for place in range(len(VECTORS[name]["periods"]))]


@dataclass(frozen=True)
class Imported:
    """Is a database with both samples in it, each in its tenant."""

    analytics: Analytics
    outcomes: dict[str, Done]
    seconds: dict[str, float]
    memory: dict[str, list[int]]

    def kpis(self, name: str, query: KpisQuery) -> Kpis:
        found = self.analytics.compute_kpis(owner_of(name), query)
        assert isinstance(found, Ok), found
        return found.value.kpis


def owner_of(name: str) -> Context:
    return context_of("acme" if name == "cdnow" else "globex")


@pytest.fixture(scope="module")
def imported(postgres: Postgres) -> Iterator[Imported]:
    urls = postgres.create()
    app = Database(open_engine(urls.app, pool_size=4, connect_timeout_seconds=3))
    system = SystemDatabase(open_engine(urls.system, pool_size=1, connect_timeout_seconds=3))
    imported = Imported(analytics_use_cases(app), {}, {}, {})
    with tempfile.TemporaryDirectory() as directory:
        storage = LocalStorage(Path(directory))
        for name, file in FILES.items():
            importer = Importer(Databases(app, system, urls), owner_of(name), storage)
            job_id = importer.submit(importer.upload(SAMPLES / file), sample_mapping(name))
            memory = imported.memory[name] = []
            started = time.monotonic()
            with importer.attempt(job_id, into(memory)) as run:
                outcome = importer.run(run)
            imported.seconds[name] = time.monotonic() - started
            assert isinstance(outcome, Done)
            imported.outcomes[name] = outcome
    yield imported
    app.dispose()
    system.dispose()
    postgres.drop(urls)


def into(memory: list[int]) -> OnSave:
    """Notes the memory of this process, in bytes, at every checkpoint."""

    def note(_checkpoint: Mapping[str, Any]) -> None:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        memory.append(pages * resource.getpagesize())

    return note


def test_every_row_of_cdnow_becomes_an_invoice(imported: Imported) -> None:
    vector = VECTORS["cdnow"]
    assert imported.outcomes["cdnow"].result == {
        "rows_in": 69_659,
        "rows_stored": 69_659,
        "rows_rejected": 0,
        "invoices": vector["invoices"],
    }


def test_the_stock_adjustments_of_online_retail_are_rejected(imported: Imported) -> None:
    vector = VECTORS["online_retail"]
    outcome = imported.outcomes["online_retail"]
    assert outcome.file_id is not None
    assert outcome.result == {
        "rows_in": vector["rows"],
        "rows_stored": vector["rows"] - vector["rejected_rows"],
        "rows_rejected": vector["rejected_rows"],
        "invoices": vector["invoices"],
        "error_file_id": outcome.file_id,
    }


def test_cdnow_is_imported_in_20_seconds_and_in_flat_memory(imported: Imported) -> None:
    assert imported.seconds["cdnow"] <= 20
    memory = imported.memory["cdnow"]
    assert len(memory) >= 10
    assert max(memory) - memory[0] <= 32 * 1024 * 1024
    assert memory[-1] - memory[len(memory) // 2] <= 8 * 1024 * 1024


@pytest.mark.parametrize(("name", "place"), PERIODS)
def test_kpis_equal_the_vectors_to_the_cent(imported: Imported, name: str, place: int) -> None:
    vector = VECTORS[name]["periods"][place]
    period = Period(date.fromisoformat(vector["start"]), date.fromisoformat(vector["end"]))
    query = KpisQuery(period, churn_days=vector["churn_days"], granularity=Granularity.MONTH)
    kpis = imported.kpis(name, query)
    assert as_vector(kpis, vector["churn_days"]) == vector
    for granularity in (Granularity.DAY, Granularity.WEEK):
        query = KpisQuery(period, granularity=granularity)
        series = imported.kpis(name, query).series
        assert sum(point.gross_revenue_minor for point in series) == kpis.gross_revenue_minor
        assert sum(point.orders for point in series) == kpis.orders


def test_cohorts_equal_the_vectors(imported: Imported) -> None:
    found = imported.analytics.compute_cohorts(owner_of("cdnow"), CohortsQuery())
    assert isinstance(found, Ok)
    assert {
        f"{cohort.month:%Y-%m}": {"size": cohort.size, "active": list(cohort.active)}
        for cohort in found.value
    } == VECTORS["cdnow"]["cohorts_by_month"]


def test_the_newest_cohorts_are_kept(imported: Imported) -> None:
    found = imported.analytics.compute_cohorts(owner_of("cdnow"), CohortsQuery(limit=2))
    assert isinstance(found, Ok)
    assert [cohort.month for cohort in found.value] == [date(2021, 2, 1), date(2021, 3, 1)]


def as_vector(kpis: Kpis, churn_days: int) -> dict[str, Any]:
    return {
        "start": kpis.period.start.isoformat(),
        "end": kpis.period.end.isoformat(),
        "churn_days": churn_days,
        "gross_revenue_minor": kpis.gross_revenue_minor,
        "refunds_minor": kpis.refunds_minor,
        "net_revenue_minor": kpis.net_revenue_minor,
        "orders": kpis.orders,
        "credit_notes": kpis.credit_notes,
        "average_order_value_minor": kpis.average_order_value_minor,
        "units": kpis.units,
        "customers": kpis.customers,
        "new_customers": kpis.new_customers,
        "returning_customers": kpis.returning_customers,
        "repeat_rate": round(kpis.repeat_rate, 6),
        "refund_rate": round(kpis.refund_rate, 6),
        "churned_customers": kpis.churned_customers,
        "top_products": ranking(kpis.top_products),
        "top_customers": ranking(kpis.top_customers),
        "top_countries": ranking(kpis.top_countries),
        "revenue_by_month_minor": {
            f"{point.start:%Y-%m}": point.gross_revenue_minor for point in kpis.series
        },
    }


def ranking(places: Sequence[Ranked]) -> list[list[object]]:
    return [[place.key, place.gross_revenue_minor] for place in places]
