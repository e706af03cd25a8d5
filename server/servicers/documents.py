"""Answers `howdah.documents.v1.DocumentsService`."""

from __future__ import annotations

from core.documents.use_cases import Documents
from howdah.documents.v1 import documents_pb2
from server.codec import documents as codec
from server.service import Service, Unary


def documents_service(documents: Documents) -> Service:
    """Returns the service's methods, each joined to its use case."""
    return Service(
        documents_pb2.DESCRIPTOR.services_by_name["DocumentsService"],
        {
            "StartWorkbook": Unary(
                codec.workbook_order, documents.start_workbook, codec.start_workbook_response
            ),
        },
    )
