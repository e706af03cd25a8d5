"""Fail when a Python file or function is too long to be read in one go."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 250
TEST_FILE_LINES = 400
FUNCTION_LINES = 60
ADVICE = "Split along a noun or a verb, never into _helpers."


def is_ours(path: Path) -> bool:
    """Leave out what is generated, and migrations: one change of the schema is one file."""
    return path.parts[0] != "generated" and "migrations" not in path.parts


def sources() -> list[Path]:
    """List the Python files of the tree that people write, committed or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    paths = {Path(name) for name in listing.stdout.split("\0") if name}
    return sorted(path for path in paths if is_ours(path) and path.exists())


def too_long(path: Path) -> Iterator[str]:
    """Yield one complaint for the file and one for each function that exceeds its limit."""
    text = path.read_text(encoding="utf-8")
    limit = TEST_FILE_LINES if "tests" in path.parts else FILE_LINES
    lines = text.count("\n")
    if lines > limit:
        yield f"{path}: {lines} lines, {limit} allowed"
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            where = f"{path}:{node.lineno}: {node.name}()"
            yield f"{where} has {length} lines, {FUNCTION_LINES} allowed"


def main() -> int:
    """Print every complaint; return 1 when there is one."""
    complaints = [complaint for path in sources() for complaint in too_long(path)]
    print("\n".join([*complaints, ADVICE]) if complaints else "No file or function is too long.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
