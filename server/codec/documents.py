"""Turns messages of documents into commands, and jobs into messages."""

from __future__ import annotations

from core.analytics.kpis import Period
from core.documents.start_workbook import WorkbookOrder
from core.jobs.job import Job
from howdah.documents.v1 import documents_pb2
from server.codec.common import date_of
from server.codec.jobs import job_message


def workbook_order(request: documents_pb2.StartWorkbookRequest) -> WorkbookOrder:
    """Returns the workbook asked for; refuses with FIELDS_INVALID a date no calendar has."""
    period = Period(
        date_of(request.start_date, "start_date"), date_of(request.end_date, "end_date")
    )
    return WorkbookOrder(period, request.currency, request.title)


def start_workbook_response(job: Job) -> documents_pb2.StartWorkbookResponse:
    """Answers StartWorkbook."""
    return documents_pb2.StartWorkbookResponse(job=job_message(job))
