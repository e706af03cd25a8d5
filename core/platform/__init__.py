"""Reaches Postgres, Redis, disk and telemetry."""
