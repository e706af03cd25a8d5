"""Runs one benchmark or all, keeps the results, and writes the tables of docs/performance.md."""

from __future__ import annotations

import argparse
import signal
import sys

from benchmarks import db, document, imports, jobs, php, results, rpc

BENCHMARKS = {
    "rpc": rpc.measure,
    "db": db.measure,
    "import": imports.measure,
    "jobs": jobs.measure,
    "php": php.measure,
}


def main() -> None:
    """Runs what was asked for; without a name, everything."""
    # Also a benchmark that is told to stop takes its servers down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=7, help="rounds, each in another order")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long a server is driven")
    parser.add_argument("--tables", action="store_true", help="only write the tables anew")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - BENCHMARKS.keys()):
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    if not arguments.tables:
        for name in arguments.names or BENCHMARKS:
            found = BENCHMARKS[name](rounds=arguments.rounds, seconds=arguments.seconds)
            results.keep(name, found)
    document.write_tables()


if __name__ == "__main__":
    main()
