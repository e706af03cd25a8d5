"""Write the Python and PHP of the contract; with --check, only say whether they are current."""

import filecmp
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUF = ROOT / "tools/node_modules/.bin/buf"
# What each generator owns: everything below is replaced, everything beside it is written by hand.
OWNED = ("python/howdah", "php/src")


def generate(target: Path) -> None:
    """Run every generator of buf.gen.yaml into an empty folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [BUF, "generate", "--output", target],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )


def files(root: Path) -> set[str]:
    """List what the generators own below a folder, as relative paths."""
    return {
        path.relative_to(root).as_posix()
        for owned in OWNED
        for path in (root / owned).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def differences(fresh: Path, committed: Path) -> list[str]:
    """Name every file that is missing, stale or changed, with what is wrong about it."""
    new, old = files(fresh), files(committed)
    changed = {
        name for name in new & old if not filecmp.cmp(fresh / name, committed / name, shallow=False)
    }
    return sorted(
        [f"missing  {name}" for name in new - old]
        + [f"stale    {name}" for name in old - new]
        + [f"differs  {name}" for name in changed]
    )


def replace(fresh: Path, committed: Path) -> None:
    """Write what changed and remove what no proto produces any more."""
    new, old = files(fresh), files(committed)
    for name in sorted(new):
        destination = committed / name
        if name not in old or not filecmp.cmp(fresh / name, destination, shallow=False):
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / name, destination)
    for name in sorted(old - new):
        (committed / name).unlink()
    for owned in OWNED:
        for folder in sorted((committed / owned).rglob("*"), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def main() -> int:
    """Return 0 when the code is current or was made so."""
    committed = ROOT / "generated"
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        if "--check" not in sys.argv[1:]:
            replace(fresh, committed)
            return 0
        wrong = differences(fresh, committed)
    for line in wrong:
        print(f"generated/{line}")
    if wrong:
        print(f"{len(wrong)} generated files are not what protos/ says: run `make generate`.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
