"""Is someone the tenant sells to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.failures import FieldViolation
from core.records.limits import (
    COUNTRY_LENGTH,
    EMAIL_LENGTH,
    ID_LENGTH,
    NAME_LENGTH,
    text_faults,
)


@dataclass(frozen=True, slots=True)
class Customer:
    """Is one customer, known by the tenant's own `external_id`; the times are the server's."""

    external_id: str
    name: str = ""
    email: str = ""
    country: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def faults(self) -> Iterator[FieldViolation]:
        """Yields why it cannot be stored."""
        yield from text_faults("external_id", self.external_id, ID_LENGTH, required=True)
        yield from text_faults("name", self.name, NAME_LENGTH)
        yield from text_faults("email", self.email, EMAIL_LENGTH)
        yield from text_faults("country", self.country, COUNTRY_LENGTH)
        for key, value in self.attributes.items():
            if "\x00" in key or "\x00" in value:
                yield FieldViolation("attributes", "must not contain the character U+0000")
