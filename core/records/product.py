"""Is something the tenant sells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.failures import FieldViolation
from core.records.limits import ID_LENGTH, NAME_LENGTH, text_faults


@dataclass(frozen=True, slots=True)
class Product:
    """Is one product, known by its stock-keeping unit; the times are the server's."""

    sku: str
    name: str = ""
    category: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def faults(self) -> Iterator[FieldViolation]:
        """Yields why it cannot be stored."""
        yield from text_faults("sku", self.sku, ID_LENGTH, required=True)
        yield from text_faults("name", self.name, NAME_LENGTH)
        yield from text_faults("category", self.category, ID_LENGTH)
