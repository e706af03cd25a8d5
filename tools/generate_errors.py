"""Writes core/reasons.py and docs/errors.md from howdah.errors.v1."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "generated" / "python"))

from howdah.errors.v1 import errors_pb2  # noqa: E402  (the path above comes first)

HEAD = '''"""Lists every reason for a refusal. Written by `make generate` from howdah.errors.v1."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Is a catalogued reason: its gRPC status name and whether trying again can help."""

    def __init__(self, code: str, retryable: bool, number: int) -> None:  # noqa: FBT001
        self.code = code
        self.retryable = retryable
        self.number = number

'''

PAGE_HEAD = """# Error catalogue

Written by `make generate` from `protos/howdah/errors/v1/errors.proto`. A reason is never removed
and never changes its status. It travels as `ErrorInfo.reason` (domain `howdah`) in
`grpc-status-details-bin`, and as `error.reason` in the envelope of a job.

| reason | status | retry can help | what it means | example |
|---|---|---|---|---|
"""


def reasons() -> list[tuple[str, errors_pb2.ReasonInfo, int]]:
    """Returns name, description and number of each reason, in the order of the contract."""
    values = errors_pb2.DESCRIPTOR.enum_types_by_name["Reason"].values
    return [
        (v.name.removeprefix("REASON_"), v.GetOptions().Extensions[errors_pb2.info], v.number)
        for v in values
        if v.number
    ]


def python_source() -> str:
    """Returns the enum the core uses."""
    return HEAD + "".join(
        f'    {name} = ("{info.code}", {info.retryable}, {number})\n'
        for name, info, number in reasons()
    )


def page() -> str:
    """Returns the catalogue for readers."""
    rows = "".join(
        f"| `{name}` | `{info.code}` | {'yes' if info.retryable else 'no'} "
        f"| {info.description} | {info.example} |\n"
        for name, info, _ in reasons()
    )
    return PAGE_HEAD + rows


def main() -> int:
    """Writes both files, or with --check says which of them is not what the contract says."""
    outputs = {ROOT / "core" / "reasons.py": python_source(), ROOT / "docs" / "errors.md": page()}
    stale = [p for p, text in outputs.items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the contract says: run `make generate`")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(outputs[path], "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
