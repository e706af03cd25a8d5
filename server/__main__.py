"""Makes `python -m server` the same as `howdah`."""

from __future__ import annotations

from server.cli import main

main()
