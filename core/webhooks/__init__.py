"""Tells the tenant's own servers what became of its jobs."""
